#include "common/http/http_listener.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

namespace fedgap {
namespace {

// Not SO_REUSEPORT, which is the library's choice: a second server on the port
// is an error to be told.
void SetSocketOptions(int socket) {
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

}  // namespace

HttpListener::~HttpListener() {
  server_.stop();
  if (thread_.joinable()) thread_.join();
}

Status HttpListener::Start(const std::string& host, int port,
                           const std::string& pem) {
  if (!server_.is_valid()) {
    return absl::UnavailableError(
        fmt::format("{} holds no key and certificate that TLS takes", pem));
  }
  server_.set_socket_options(SetSocketOptions);
  if (port == 0) {
    port_ = server_.bind_to_any_port(host);
  } else if (server_.bind_to_port(host, port)) {
    port_ = port;
  }
  if (port_ <= 0) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}:{}: is the port taken, or the address "
                    "not of this machine?",
                    host, port));
  }
  thread_ = std::thread([this] { server_.listen_after_bind(); });
  // A stop() before it runs would be lost; the library tells by this alone.
  while (!server_.is_running()) std::this_thread::yield();
  return absl::OkStatus();
}

}  // namespace fedgap
