// TensorBoard's event files, as far as scalars need them: TFRecord frames
// (tensorflow/core/lib/io/record_writer.h) around tensorflow.Event messages
// (tensorflow/core/util/event.proto).
#ifndef FEDGAP_CLI_TENSORBOARD_EVENTS_H_
#define FEDGAP_CLI_TENSORBOARD_EVENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fedgap {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4).
std::uint32_t Crc32c(std::string_view bytes);

// `data` as one TFRecord: its length in 8 bytes, their masked CRC in 4, the
// data, its masked CRC in 4; all little-endian.
std::string ToTfRecord(std::string_view data);

struct TensorboardScalar {
  std::string tag;  // "accuracy/mean"
  float value = 0;
};

// The record that an event file begins with. `wall_seconds`: since 1970, UTC.
std::string TensorboardHeader(double wall_seconds);
// A record with the values at one step.
std::string TensorboardEvent(double wall_seconds, std::int64_t step,
                             const std::vector<TensorboardScalar>& scalars);

}  // namespace fedgap

#endif  // FEDGAP_CLI_TENSORBOARD_EVENTS_H_
