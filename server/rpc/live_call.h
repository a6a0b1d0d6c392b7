// Calls that stay open for long and need to be looked after.
#ifndef FEDGAP_SERVER_RPC_LIVE_CALL_H_
#define FEDGAP_SERVER_RPC_LIVE_CALL_H_

#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"

namespace fedgap {

// Both calls return at once, from any thread.
class LiveCall {
 public:
  virtual ~LiveCall() = default;
  // Time has passed: heartbeats, ages, stalls.
  virtual void Tick(Clock::Time now) = 0;
  // Ends the call with a status.
  virtual void EndWith(const Status& status) = 0;
};

// The open calls of a server. Thread-safe.
class LiveCalls {
 public:
  // Ends the call at once if the server is closing.
  void Add(const std::shared_ptr<LiveCall>& call) EXCLUDES(mutex_);
  void Tick(Clock::Time now) EXCLUDES(mutex_);
  // Ends those that are open and those that come.
  void Close(const Status& status) EXCLUDES(mutex_);

 private:
  std::vector<std::shared_ptr<LiveCall>> Live() REQUIRES(mutex_);

  Mutex mutex_;
  std::vector<std::weak_ptr<LiveCall>> calls_ GUARDED_BY(mutex_);
  Status closed_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_LIVE_CALL_H_
