// A TCP relay between clients and a server that does to connections what
// networks do: cuts, delays, slows, flips bits, falls silent.
#ifndef FEDGAP_TESTS_TESTING_FAULT_PROXY_H_
#define FEDGAP_TESTS_TESTING_FAULT_PROXY_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <thread>

#include "common/base/mutex.h"

namespace fedgap {

inline constexpr std::int64_t kNeverReached =
    std::numeric_limits<std::int64_t>::max();

// What befalls one connection. Bytes are counted from its begin, each
// direction by itself; "up" is from the client to the server.
struct NetworkFault {
  // Both ends are reset once so many bytes have passed.
  std::int64_t cut_up = kNeverReached;
  std::int64_t cut_down = kNeverReached;
  // The lowest bit of this byte arrives flipped.
  std::int64_t flip_up = kNeverReached;
  std::int64_t flip_down = kNeverReached;
  // Each piece is late by so much, and no faster than so (0: at once).
  std::chrono::milliseconds delay{0};
  std::int64_t bytes_per_second = 0;
};

// Listens on a free port of 127.0.0.1 while it lives. Thread-safe.
class FaultProxy {
 public:
  using Fault = NetworkFault;

  // `fault_of` is asked for each connection, counted from 0.
  explicit FaultProxy(
      int server_port,
      std::function<Fault(int)> fault_of = [](int) { return Fault(); });
  // A fault for the first connection, none for those that follow.
  FaultProxy(int server_port, const Fault& first)
      : FaultProxy(server_port, [first](int connection) {
          return connection == 0 ? first : Fault();
        }) {}
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  int port() const { return port_; }

  // While it is silent nothing passes and nothing ends, on the connections that
  // are there and on new ones: neither side is told.
  void SetSilent(bool silent) EXCLUDES(mutex_);

  int connections() const { return connections_; }
  std::int64_t bytes_up() const { return bytes_up_; }
  std::int64_t bytes_down() const { return bytes_down_; }

 private:
  struct Connection;
  enum class Direction { kUp, kDown };

  void Accept();
  void Pump(Connection& connection, Direction direction);
  // True if the fault is to cut the connection.
  bool Relay(const Connection& connection, Direction direction);
  // False when the proxy ends.
  bool WaitWhileSilent() EXCLUDES(mutex_);
  bool Rest(std::chrono::nanoseconds duration) EXCLUDES(mutex_);

  const int server_port_;
  const std::function<Fault(int)> fault_of_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<std::int64_t> bytes_up_ = 0;
  std::atomic<std::int64_t> bytes_down_ = 0;
  Mutex mutex_;
  CondVar changed_;
  bool silent_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::list<std::unique_ptr<Connection>> all_ GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_FAULT_PROXY_H_
