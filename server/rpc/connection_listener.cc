#include "server/rpc/connection_listener.h"

#include <fmt/format.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include "common/rpc/channel_options.h"

namespace fedgap {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kBacklog = 4096;  // as long as the kernel allows
// How often the table checks: often, but for 1 % of a core at the most.
constexpr milliseconds kShortestPeriod{100};
constexpr std::chrono::microseconds kPeriodOfConnection{100};
// With no descriptor left, accept fails at once, again and again.
constexpr milliseconds kPause{50};

void SetOption(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) !=
      0) {
    return 0;
  }
  // The port stands at the same place in both.
  sockaddr_in any{};
  std::memcpy(&any, &address, sizeof any);
  return ntohs(any.sin_port);
}

void SetPort(int port, sockaddr_storage& address) {
  sockaddr_in any{};
  std::memcpy(&any, &address, sizeof any);
  any.sin_port = htons(static_cast<std::uint16_t>(port));
  std::memcpy(&address, &any, sizeof any);
}

// As gRPC sets them; connections have them from the socket that accepts them.
void SetOptions(int socket, int family) {
  SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
            static_cast<int>(KeepaliveOptions{}.timeout.count()));
  // ":::port" is for both families; of "localhost" each has its own socket.
  if (family == AF_INET6) SetOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
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

ConnectionListener::Descriptor ConnectionListener::Owned(int descriptor) {
  return {new int(descriptor), [](const int* at) {
            ::close(*at);
            delete at;
          }};
}

ConnectionListener::Descriptor ConnectionListener::Bind(const addrinfo& at,
                                                        int port) {
  const int raw =
      ::socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (raw < 0) return nullptr;
  Descriptor socket = Owned(raw);
  SetOptions(raw, at.ai_family);
  sockaddr_storage address{};
  std::memcpy(&address, at.ai_addr, at.ai_addrlen);
  if (port != 0) SetPort(port, address);
  if (::bind(raw, reinterpret_cast<const sockaddr*>(&address), at.ai_addrlen) !=
          0 ||
      ::listen(raw, kBacklog) != 0) {
    const int cause = errno;
    socket.reset();
    errno = cause;
  }
  return socket;
}

StatusOr<std::unique_ptr<ConnectionListener>> ConnectionListener::OpenAt(
    const ServerAddress& address, const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(
      host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) return CannotListen(address, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(
      found, &::freeaddrinfo);
  std::vector<Descriptor> sockets;
  int cause = 0;
  int port = address.port;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Descriptor socket = Bind(*at, port);
    if (socket != nullptr) {
      if (port == 0) port = PortOf(*socket);
      sockets.push_back(std::move(socket));
    } else if (cause == 0 || errno == EADDRINUSE) {
      cause = errno;
    }
  }
  // One of several is enough: a machine without IPv6 has a name for it too. But
  // another server's port is not shared with it.
  if (sockets.empty() || cause == EADDRINUSE) {
    return CannotListen(address, Explain(cause));
  }
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return CannotListen(address, Explain(errno));
  return std::unique_ptr<ConnectionListener>(
      new ConnectionListener(std::move(sockets), port, Owned(wake)));
}

StatusOr<std::unique_ptr<ConnectionListener>> ConnectionListener::Open(
    const ServerAddress& address) {
  if (address.host == "0.0.0.0") {
    auto both = OpenAt(address, "::");
    if (both.ok()) return both;
  }
  return OpenAt(address, address.host);
}

ConnectionListener::~ConnectionListener() { Stop(); }

void ConnectionListener::Start(ConnectionTable& table,
                               std::function<void(int)> take) {
  thread_ =
      std::thread([this, &table, take = std::move(take)] { Run(table, take); });
}

void ConnectionListener::Stop() {
  if (thread_.joinable()) {
    ::eventfd_write(*wake_, 1);
    thread_.join();
  }
  sockets_.clear();
}

bool ConnectionListener::AcceptOne(int socket, ConnectionTable& table,
                                   const std::function<void(int)>& take) {
  const int connection =
      ::accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0) {
    // The connection was gone again, or there is none.
    return errno == ECONNABORTED || errno == EINTR || errno == EAGAIN;
  }
  if (table.Add(connection)) {
    take(connection);
  } else {
    ::close(connection);
  }
  return true;
}

void ConnectionListener::Run(ConnectionTable& table,
                             const std::function<void(int)>& take) {
  std::vector<pollfd> polled = {{*wake_, POLLIN, 0}};
  for (const Descriptor& socket : sockets_) {
    polled.push_back({*socket, POLLIN, 0});
  }
  auto next_check = steady_clock::now();
  while (true) {
    const auto now = steady_clock::now();
    if (now >= next_check) {
      table.Check();
      next_check =
          now + std::max<steady_clock::duration>(
                    kShortestPeriod, kPeriodOfConnection * table.size());
    }
    const auto left =
        std::chrono::ceil<milliseconds>(next_check - steady_clock::now());
    ::poll(polled.data(), polled.size(),
           static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (polled[0].revents != 0) return;
    bool can_accept = true;
    for (std::size_t i = 1; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      can_accept = AcceptOne(polled[i].fd, table, take) && can_accept;
    }
    if (!can_accept) std::this_thread::sleep_for(kPause);
  }
}

}  // namespace fedgap
