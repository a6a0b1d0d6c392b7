#include "server/rpc/call_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace fedgap {

double CallLimits::Capacity() const {
  return static_cast<double>(options_.calls_per_second) *
         static_cast<double>(kBurst.count());
}

double CallLimits::CallsLeft(const Usage& usage, Clock::Time now) const {
  const std::chrono::duration<double> passed = now - usage.counted;
  return std::min(Capacity(), usage.calls_left +
                                  passed.count() * options_.calls_per_second);
}

double CallLimits::ConnectsLeft(const Usage& usage, Clock::Time now) {
  const std::chrono::duration<double> passed = now - usage.counted;
  const std::chrono::duration<double> interval = kConnectInterval;
  return std::min<double>(kConnectsAtOnce,
                          usage.connects_left + passed / interval);
}

CallLimits::Usage& CallLimits::UsageOf(const ClientName& client) {
  const Clock::Time now = clock_.Now();
  const auto found = clients_.find(client);
  if (found != clients_.end()) {
    Usage& usage = found->second;
    usage.calls_left = CallsLeft(usage, now);
    usage.connects_left = ConnectsLeft(usage, now);
    usage.counted = now;
    return usage;
  }
  if (clients_.size() >= forget_at_) Forget(now);
  return clients_[client] = {Capacity(), kConnectsAtOnce, now, 0};
}

void CallLimits::Forget(Clock::Time now) {
  std::erase_if(clients_, [&](const auto& entry) {
    const Usage& usage = entry.second;
    return usage.open == 0 && CallsLeft(usage, now) >= Capacity() &&
           ConnectsLeft(usage, now) >= kConnectsAtOnce;
  });
  forget_at_ = std::max<std::size_t>(64, 2 * clients_.size());
}

StatusOr<CallLimits::OpenCall> CallLimits::Begin(const ClientName& client,
                                                 Kind kind) {
  MutexLock lock(mutex_);
  Usage& usage = UsageOf(client);
  if (options_.open_calls > 0 && usage.open >= options_.open_calls) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} has {} calls open, as many as it may (server.max_open_calls); end "
        "one before the next",
        client.value, usage.open));
  }
  if (options_.calls_per_second > 0) {
    if (usage.calls_left < 1) {
      return absl::ResourceExhaustedError(
          fmt::format("{} makes more than {} calls a second "
                      "(server.max_calls_per_second); wait before the next",
                      client.value, options_.calls_per_second));
    }
    if (kind == Kind::kConnects && usage.connects_left < 1) {
      return absl::ResourceExhaustedError(fmt::format(
          "{} connects more than {} times, and then more than once in {} s; "
          "wait before the next",
          client.value, kConnectsAtOnce,
          std::chrono::duration<double>(kConnectInterval).count()));
    }
    usage.calls_left -= 1;
    if (kind == Kind::kConnects) usage.connects_left -= 1;
  }
  ++usage.open;
  return OpenCall(this, [client](CallLimits* limits) { limits->End(client); });
}

void CallLimits::ExpectCalls(const ClientName& client) {
  MutexLock lock(mutex_);
  Usage& usage = UsageOf(client);
  usage.calls_left = std::min(Capacity(), usage.calls_left + kCallsPerTask);
}

void CallLimits::End(const ClientName& client) {
  MutexLock lock(mutex_);
  --clients_[client].open;
}

std::size_t CallLimits::clients() const {
  MutexLock lock(mutex_);
  return clients_.size();
}

}  // namespace fedgap
