#include "server/rpc/live_call.h"

#include <utility>

namespace fedgap {

std::vector<std::shared_ptr<LiveCall>> LiveCalls::Live() {
  std::vector<std::shared_ptr<LiveCall>> live;
  std::erase_if(calls_, [&live](const std::weak_ptr<LiveCall>& weak) {
    auto call = weak.lock();
    if (call == nullptr) return true;
    live.push_back(std::move(call));
    return false;
  });
  return live;
}

void LiveCalls::Add(const std::shared_ptr<LiveCall>& call) {
  Status closed;
  {
    MutexLock lock(mutex_);
    calls_.push_back(call);
    closed = closed_;
  }
  if (!closed.ok()) call->EndWith(closed);
}

void LiveCalls::Tick(Clock::Time now) {
  std::vector<std::shared_ptr<LiveCall>> live;
  {
    MutexLock lock(mutex_);
    live = Live();
  }
  for (const auto& call : live) call->Tick(now);
}

void LiveCalls::Close(const Status& status) {
  std::vector<std::shared_ptr<LiveCall>> live;
  {
    MutexLock lock(mutex_);
    closed_ = status;
    live = Live();
  }
  for (const auto& call : live) call->EndWith(status);
}

}  // namespace fedgap
