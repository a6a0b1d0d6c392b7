#include "common/rpc/grpc_log.h"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpc/support/log.h>

#include <cstdlib>
#include <ctime>
#include <string_view>
#include <utility>

#include "common/base/mutex.h"

namespace fedgap {
namespace {

void DropLine(gpr_log_func_args* /*line*/) {}

// gRPC takes no closure.
struct Teller {
  Mutex mutex;
  std::function<void(const std::string&)> tell GUARDED_BY(mutex);
  std::time_t last GUARDED_BY(mutex) = 0;
};

Teller& TheTeller() {
  static auto* const teller = new Teller;  // outlives gRPC's threads
  return *teller;
}

std::string Explain(std::string_view reason) {
  constexpr std::string_view kNone = "peer did not return a certificate";
  std::string text = fmt::format("a connection was refused: TLS: {}", reason);
  if (reason.starts_with(kNone)) {
    text +=
        " It is a program that has none, or a client that looked why it "
        "cannot trust this server's.";
  }
  return text;
}

// "Handshake failed with fatal error SSL_ERROR_SSL: error:0A000412:SSL
// routines::sslv3 alert bad certificate": the words after the last colon.
void TellTlsFailure(gpr_log_func_args* line) {
  std::string_view text(line->message);
  if (text.find("Handshake failed") == text.npos) return;
  text.remove_prefix(text.rfind(':') + 1);
  while (text.starts_with(' ')) text.remove_prefix(1);
  Teller& teller = TheTeller();
  const MutexLock lock(teller.mutex);
  const std::time_t now = std::time(nullptr);
  if (std::exchange(teller.last, now) == now || !teller.tell) return;
  teller.tell(Explain(text));
}

}  // namespace

void QuietGrpc(std::function<void(const std::string&)> on_tls_failure) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Teller& teller = TheTeller();
  const MutexLock lock(teller.mutex);
  teller.tell = std::move(on_tls_failure);
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function(teller.tell ? TellTlsFailure : DropLine);
}

}  // namespace fedgap
