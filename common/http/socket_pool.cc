#include "common/http/socket_pool.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace fedgap {

SocketPool::SocketPool(const Options& options, std::function<void(int)> serve)
    : max_waiting_(options.max_waiting), serve_(std::move(serve)) {
  for (std::size_t i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

void SocketPool::Take(int socket) {
  {
    MutexLock lock(mutex_);
    if (!stopping_ && waiting_.size() < max_waiting_) {
      waiting_.push_back(socket);
      changed_.NotifyOne();
      return;
    }
  }
  ::close(socket);
}

void SocketPool::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const int socket : waiting_) ::close(socket);
    waiting_.clear();
    // An answer that is under way may reach its end.
    for (const int socket : served_) ::shutdown(socket, SHUT_RD);
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void SocketPool::Work() {
  while (true) {
    int socket = -1;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      socket = waiting_.front();
      waiting_.pop_front();
      served_.insert(socket);
    }
    serve_(socket);
    // Under the lock: Stop must not touch another's socket of the same number.
    MutexLock lock(mutex_);
    served_.erase(socket);
    ::close(socket);
  }
}

}  // namespace fedgap
