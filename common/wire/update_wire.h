// What a client says about an update before it sends the large vector.
#ifndef FEDGAP_COMMON_WIRE_UPDATE_WIRE_H_
#define FEDGAP_COMMON_WIRE_UPDATE_WIRE_H_

#include <cstdint>
#include <span>
#include <string>

#include "common/base/status.h"
#include "common/federation/update.h"
#include "fedgap/v1/update.pb.h"

namespace fedgap {

// The header of one submission. On the wire an update is a list of named flat
// vectors; version 1 knows "delta" in float32.
struct UpdateHeader {
  Sha256Digest layout_hash{};
  // Of delta; 0 where there is none (an evaluate task).
  std::int64_t elements = 0;
  std::int64_t bytes = 0;  // 4 * elements
  // XXH3-128 of delta's little-endian bytes, 32 lower-case hex digits; of no
  // bytes where there is no delta.
  std::string digest;
  UpdateInfo info;  // with the task's id

  bool operator==(const UpdateHeader&) const = default;
};

// The header of an update that this program made.
UpdateHeader HeaderOf(const Update& update, const Sha256Digest& layout_hash);

v1::UpdateHeader ToProto(const UpdateHeader& header);

// INVALID_ARGUMENT names the field: groups out of order, counts outside 0 to
// 10^12, numbers that are not finite, a vector that is not "delta" or whose
// bytes do not fit its elements. RESOURCE_EXHAUSTED: longer than 2^40 elements
// or an UpdateInfo above kMaxUpdateInfoBytes. UNIMPLEMENTED: another codec.
StatusOr<UpdateHeader> FromProto(const v1::UpdateHeader& proto);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_UPDATE_WIRE_H_
