#include "common/rpc/status_conversion.h"

#include "common/base/printable_text.h"

namespace fedgap {
namespace {

// absl's codes are gRPC's (canonical_codes 0 to 16).
constexpr int kLastCode = static_cast<int>(grpc::StatusCode::UNAUTHENTICATED);
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
              kLastCode);

}  // namespace

std::string SanitizeMessage(std::string_view text) {
  return MakePrintable(
      text,
      {.control = " ", .max_bytes = kMaxStatusMessageBytes, .ellipsis = "..."});
}

grpc::Status ToGrpcStatus(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const int code = static_cast<int>(status.code());
  return grpc::Status(static_cast<grpc::StatusCode>(code),
                      SanitizeMessage(MessageOf(status)));
}

Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const int code = static_cast<int>(status.error_code());
  return Status(code < 0 || code > kLastCode
                    ? absl::StatusCode::kUnknown
                    : static_cast<absl::StatusCode>(code),
                SanitizeMessage(status.error_message()));
}

}  // namespace fedgap
