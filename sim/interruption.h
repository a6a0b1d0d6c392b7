// A request to end a simulation soon.
#ifndef FEDGAP_SIM_INTERRUPTION_H_
#define FEDGAP_SIM_INTERRUPTION_H_

#include <atomic>
#include <string>
#include <utility>

#include "common/base/mutex.h"

namespace fedgap {

// Made once, asked for by a signal, looked at between batches. Thread-safe.
class Interruption {
 public:
  // The first reason stays.
  void Request(std::string reason) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (requested_.load()) return;
    reason_ = std::move(reason);
    requested_.store(true);
  }
  bool requested() const { return requested_.load(); }
  std::string reason() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return reason_;
  }

 private:
  std::atomic<bool> requested_ = false;
  mutable Mutex mutex_;
  std::string reason_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_INTERRUPTION_H_
