#include "common/rpc/grpc_log.h"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpc/support/log.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace fedgap {
namespace {

void DropLine(gpr_log_func_args* /*line*/) {}

// "Handshake failed with fatal error SSL_ERROR_SSL: error:0A000412:SSL
// routines::sslv3 alert bad certificate": the words after the last colon.
void TellTlsFailure(gpr_log_func_args* line) {
  static std::atomic<std::time_t> last = 0;
  std::string_view text(line->message);
  if (text.find("Handshake failed") == text.npos) return;
  const std::time_t now = std::time(nullptr);
  if (last.exchange(now) == now) return;
  text.remove_prefix(text.rfind(':') + 1);
  while (text.starts_with(' ')) text.remove_prefix(1);
  fmt::print(stderr, "a connection was refused: TLS: {}\n", text);
}

}  // namespace

void QuietGrpc(bool tls_failures) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function(tls_failures ? TellTlsFailure : DropLine);
}

}  // namespace fedgap
