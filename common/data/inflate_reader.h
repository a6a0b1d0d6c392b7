// Bytes in memory, plain or gzip, read from the front.
#ifndef FEDGAP_COMMON_DATA_INFLATE_READER_H_
#define FEDGAP_COMMON_DATA_INFLATE_READER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "common/base/status.h"

namespace fedgap {

// Reads `bytes` (which must outlive it) as they are, or inflates them when they
// begin with gzip's magic number; the gzip checksum is verified at the end of
// the data. Not thread-safe.
class InflateReader {
 public:
  explicit InflateReader(std::span<const std::uint8_t> bytes);
  ~InflateReader();
  InflateReader(const InflateReader&) = delete;
  InflateReader& operator=(const InflateReader&) = delete;

  // Fills `out`; returns how many bytes there were, fewer than asked for only
  // at the end of the data. DATA_LOSS when the gzip data is damaged or ends
  // before its end marker.
  StatusOr<std::size_t> Read(std::span<std::uint8_t> out);

  // No more than this can still come out. Deflate expands at most 1,032 times,
  // which bounds what a header may claim before anything is allocated.
  std::uint64_t MaxRemaining() const;

 private:
  struct Inflater;  // a z_stream

  std::span<const std::uint8_t> rest_;
  std::unique_ptr<Inflater> inflater_;  // null for plain bytes
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_INFLATE_READER_H_
