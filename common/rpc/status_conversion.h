// The one converter between absl::Status and grpc::Status.
//
// Codes are equal by value. A message crosses in an HTTP/2 trailer and ends in
// terminals and logs, so in both directions it is cut to kMaxStatusMessageBytes
// (at a character's border), bytes that are not UTF-8 become U+FFFD, and what
// printable_text.h names, line breaks too, becomes spaces: nobody can move
// another machine's cursor or forge a log line.
#ifndef FEDGAP_COMMON_RPC_STATUS_CONVERSION_H_
#define FEDGAP_COMMON_RPC_STATUS_CONVERSION_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// Percent-encoded, this stays below gRPC's default limit of 8 KiB of metadata.
inline constexpr std::size_t kMaxStatusMessageBytes = 2000;

grpc::Status ToGrpcStatus(const Status& status);
// A code that gRPC does not define becomes UNKNOWN.
Status FromGrpcStatus(const grpc::Status& status);

// The rule above for any text that comes from outside.
std::string SanitizeMessage(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_STATUS_CONVERSION_H_
