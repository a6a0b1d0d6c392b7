// The bounds of the wire contract (docs/PROTOCOL.md, "Limits"); those that a
// configuration has too stand in common/federation/bounds.h.
#ifndef FEDGAP_COMMON_WIRE_LIMITS_H_
#define FEDGAP_COMMON_WIRE_LIMITS_H_

#include <cstdint>

#include "common/federation/bounds.h"

namespace fedgap {

// Of an encoded UpdateInfo, everything but the large vectors: a gRPC message
// may have 4 MiB (common/rpc/channel_options.h).
inline constexpr std::int64_t kMaxUpdateInfoBytes = 3 << 20;
// Update chunks as our client cuts them, and the largest that is accepted.
inline constexpr std::int64_t kUpdateChunkBytes = 256 << 10;
inline constexpr std::int64_t kMaxUpdateChunkBytes = 1 << 20;
// The longest update or model: 2^40 elements of four bytes.
inline constexpr std::int64_t kMaxVectorBytes = std::int64_t{1} << 42;

// Samples, pixels, steps: anything that is counted.
inline constexpr std::int64_t kMaxCount = 1'000'000'000'000;
inline constexpr int kMaxNodes = 4096;

inline constexpr std::int64_t kMaxNameBytes = 128;  // nodes, models
inline constexpr std::int64_t kMaxTaskIdBytes = 256;
inline constexpr std::int64_t kMaxReasonBytes = 1024;

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_LIMITS_H_
