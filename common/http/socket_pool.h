// Threads that serve accepted sockets, and a short queue before them.
#ifndef FEDGAP_COMMON_HTTP_SOCKET_POOL_H_
#define FEDGAP_COMMON_HTTP_SOCKET_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace fedgap {

// Thread-safe.
class SocketPool {
 public:
  struct Options {
    std::size_t threads = 8;
    // Sockets that may wait for a thread; one that comes when so many wait is
    // closed at once.
    std::size_t max_waiting = 64;
  };

  // `serve` talks with the peer, from any of the threads, and leaves the socket
  // open.
  SocketPool(const Options& options, std::function<void(int socket)> serve);
  ~SocketPool() { Stop(); }
  SocketPool(const SocketPool&) = delete;
  SocketPool& operator=(const SocketPool&) = delete;

  // Takes the socket over.
  void Take(int socket) EXCLUDES(mutex_);

  // Closes what waits, lets nothing more be read from what is being served, and
  // returns when that has ended. Later sockets are closed. By one thread.
  void Stop() EXCLUDES(mutex_);

 private:
  void Work() EXCLUDES(mutex_);

  const std::size_t max_waiting_;
  const std::function<void(int)> serve_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::deque<int> waiting_ GUARDED_BY(mutex_);
  std::set<int> served_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_HTTP_SOCKET_POOL_H_
