// Who was not let in, told without a flood.
#ifndef FEDGAP_SERVER_RPC_REFUSAL_LOG_H_
#define FEDGAP_SERVER_RPC_REFUSAL_LOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"

namespace fedgap {

// Thread-safe.
class RefusalLog {
 public:
  // Of one minute at most so many are told; of the others the number.
  static constexpr std::size_t kMostAMinute = 20;
  // And of one machine, so that it cannot hide the others.
  static constexpr int kMostOfOneMachine = 4;
  // Longer lines are cut: the caller has a say in what they hold.
  static constexpr std::size_t kLongest = 300;

  // `say` gets one line a call, from the thread that notes.
  RefusalLog(const Clock& clock, std::function<void(const std::string&)> say)
      : clock_(clock), say_(std::move(say)) {}

  // A call from `peer` (as gRPC writes addresses) was refused. The same from
  // the same machine is told once a minute.
  void Note(const std::string& peer, const Status& why) EXCLUDES(mutex_);

 private:
  const Clock& clock_;
  const std::function<void(const std::string&)> say_;
  Mutex mutex_;
  std::optional<Clock::Time> begun_ GUARDED_BY(mutex_);  // the minute
  std::set<std::string> told_ GUARDED_BY(mutex_);        // in it
  std::map<std::string, int> machines_ GUARDED_BY(mutex_);
  std::int64_t untold_ GUARDED_BY(mutex_) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_REFUSAL_LOG_H_
