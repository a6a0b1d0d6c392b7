#include "server/rpc/port_check.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace fedgap {
namespace {

// 0, or the errno of what failed.
int TryToListen(const addrinfo& address) {
  const int descriptor =
      ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  // As gRPC does: connections of an earlier server that still close are no
  // obstacle, a server that listens is.
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int cause = 0;
  if (::bind(descriptor, address.ai_addr, address.ai_addrlen) != 0 ||
      ::listen(descriptor, 1) != 0) {
    cause = errno;
  }
  ::close(descriptor);
  return cause;
}

std::string Explain(int cause) {
  switch (cause) {
    case EADDRINUSE:
      return "the port is in use; stop the other program or choose another "
             "port";
    case EADDRNOTAVAIL:
      return "this machine has no such address; 0.0.0.0 stands for all of its "
             "addresses";
    case EACCES:
      return "this user may not listen on this port; choose one above 1023";
    default:
      return std::strerror(cause);
  }
}

Status CannotListen(const ServerAddress& address, const std::string& why) {
  return absl::UnavailableError(
      fmt::format("cannot listen on {}: {}", address.ToString(), why));
}

}  // namespace

Status CheckCanListen(const ServerAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(),
                    &hints, &found);
  if (error != 0) return CannotListen(address, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(
      found, &::freeaddrinfo);
  int cause = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int failure = TryToListen(*at);
    // One of several is enough: a machine without IPv6 has a name for it too.
    if (failure == 0) return absl::OkStatus();
    if (cause == 0 || failure == EADDRINUSE) cause = failure;
  }
  return CannotListen(address, Explain(cause));
}

}  // namespace fedgap
