#include "tests/testing/fault_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool SendAll(int socket, const char* bytes, std::int64_t count) {
  while (count > 0) {
    const ssize_t sent =
        ::send(socket, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= sent;
  }
  return true;
}

}  // namespace

struct FaultProxy::Connection {
  ~Connection() {
    for (std::thread& pump : pumps) {
      if (pump.joinable()) pump.join();
    }
    ::close(client);
    ::close(server);
  }
  // Ends both pumps; with `reset` the peers see RST instead of an orderly end.
  void Cut(bool reset) const {
    for (const int socket : {client, server}) {
      if (reset) {
        const linger none{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
      }
      ::shutdown(socket, SHUT_RDWR);
    }
  }

  int client = -1;
  int server = -1;
  Fault fault;
  std::array<std::thread, 2> pumps;
};

FaultProxy::FaultProxy(int server_port, std::function<Fault(int)> fault_of)
    : server_port_(server_port), fault_of_(std::move(fault_of)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(0);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  FEDGAP_CHECK(::bind(listener_, generic, length) == 0);
  FEDGAP_CHECK(::listen(listener_, 64) == 0);
  FEDGAP_CHECK(::getsockname(listener_, generic, &length) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FaultProxy::~FaultProxy() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& connection : all_) connection->Cut(/*reset=*/false);
  }
  changed_.NotifyAll();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  // No other thread touches the list any more; each waits for its pumps.
  std::list<std::unique_ptr<Connection>> rest;
  {
    MutexLock lock(mutex_);
    rest.swap(all_);
  }
}

void FaultProxy::SetSilent(bool silent) {
  {
    MutexLock lock(mutex_);
    silent_ = silent;
  }
  changed_.NotifyAll();
}

void FaultProxy::CutAll() {
  MutexLock lock(mutex_);
  for (const auto& connection : all_) connection->Cut(/*reset=*/true);
}

bool FaultProxy::WaitWhileSilent() {
  MutexLock lock(mutex_);
  while (silent_ && !stopping_) changed_.Wait(mutex_);
  return !stopping_;
}

bool FaultProxy::Rest(std::chrono::nanoseconds duration) {
  const auto until = std::chrono::steady_clock::now() + duration;
  MutexLock lock(mutex_);
  while (!stopping_ && changed_.WaitUntil(mutex_, until)) {
  }
  return !stopping_;
}

void FaultProxy::Accept() {
  while (true) {
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    auto connection = std::make_unique<Connection>();
    connection->client = client;
    connection->fault = fault_of_(connections_++);
    connection->server = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    for (const int socket : {connection->client, connection->server}) {
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    sockaddr_in address = Loopback(server_port_);
    if (::connect(connection->server, reinterpret_cast<sockaddr*>(&address),
                  sizeof address) != 0) {
      continue;  // the client sees its connection end, as without a proxy
    }
    MutexLock lock(mutex_);
    if (stopping_) return;
    Connection& started = *all_.emplace_back(std::move(connection));
    started.pumps[0] =
        std::thread([this, &started] { Pump(started, Direction::kUp); });
    started.pumps[1] =
        std::thread([this, &started] { Pump(started, Direction::kDown); });
  }
}

void FaultProxy::Pump(Connection& connection, Direction direction) {
  const bool up = direction == Direction::kUp;
  const Fault& fault = connection.fault;
  const int from = up ? connection.client : connection.server;
  const int to = up ? connection.server : connection.client;
  const std::int64_t cut = up ? fault.cut_up : fault.cut_down;
  const std::int64_t flip = up ? fault.flip_up : fault.flip_down;
  std::array<char, 16384> buffer;
  std::int64_t passed = 0;
  while (true) {
    std::int64_t count = ::recv(from, buffer.data(), buffer.size(), 0);
    if (count <= 0 || !WaitWhileSilent()) break;
    if (fault.delay.count() > 0 && !Rest(fault.delay)) break;
    if (fault.bytes_per_second > 0 &&
        !Rest(std::chrono::nanoseconds(count * 1'000'000'000 /
                                       fault.bytes_per_second))) {
      break;
    }
    const bool ends = passed + count >= cut;
    if (ends) count = cut - passed;
    if (flip >= passed && flip < passed + count) {
      buffer[static_cast<std::size_t>(flip - passed)] ^= 1;
    }
    if (!SendAll(to, buffer.data(), count)) break;
    passed += count;
    (up ? bytes_up_ : bytes_down_) += count;
    if (!ends) continue;
    connection.Cut(/*reset=*/true);
    return;
  }
  connection.Cut(/*reset=*/false);
}

}  // namespace fedgap
