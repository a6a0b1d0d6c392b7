#include "tests/testing/fault_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
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
    Close();
  }
  // Ends both pumps. With `reset` the peers then see RST, else an orderly end.
  // The first to cut decides.
  void Cut(bool reset) EXCLUDES(mutex) {
    MutexLock lock(mutex);
    if (is_closed || is_cut) return;
    is_cut = true;
    for (const int socket : {client, server}) {
      if (reset) {
        // Takes effect as the last pump closes.
        const linger none{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
      }
      ::shutdown(socket, reset ? SHUT_RD : SHUT_RDWR);
    }
  }
  // Whatever a pump is doing.
  void End() EXCLUDES(mutex) {
    MutexLock lock(mutex);
    if (is_closed) return;
    ::shutdown(client, SHUT_RDWR);
    ::shutdown(server, SHUT_RDWR);
  }
  void Close() EXCLUDES(mutex) {
    MutexLock lock(mutex);
    if (is_closed) return;
    is_closed = true;
    ::close(client);
    ::close(server);
  }

  int client = -1;
  int server = -1;
  Fault fault;
  std::atomic<int> at_work = 2;
  std::array<std::thread, 2> pumps;
  Mutex mutex;
  bool is_cut GUARDED_BY(mutex) = false;
  bool is_closed GUARDED_BY(mutex) = false;
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
    for (const auto& connection : all_) connection->End();
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
  const bool reset = Relay(connection, direction);
  connection.Cut(reset);
  if (--connection.at_work == 0) connection.Close();
}

bool FaultProxy::Relay(const Connection& connection, Direction direction) {
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
    // An end waits, too, until it may be told.
    if (!WaitWhileSilent() || count <= 0) return false;
    if (fault.delay.count() > 0 && !Rest(fault.delay)) return false;
    if (fault.bytes_per_second > 0 &&
        !Rest(std::chrono::nanoseconds(count * 1'000'000'000 /
                                       fault.bytes_per_second))) {
      return false;
    }
    const bool ends = passed + count >= cut;
    if (ends) count = cut - passed;
    if (flip >= passed && flip < passed + count) {
      buffer[static_cast<std::size_t>(flip - passed)] ^= 1;
    }
    if (!SendAll(to, buffer.data(), count)) return false;
    passed += count;
    (up ? bytes_up_ : bytes_down_) += count;
    if (ends) return true;
  }
}

}  // namespace fedgap
