// How much one client may ask of the server.
#ifndef FEDGAP_SERVER_RPC_CALL_LIMITS_H_
#define FEDGAP_SERVER_RPC_CALL_LIMITS_H_

#include <cstddef>
#include <map>
#include <memory>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/federation/ids.h"

namespace fedgap {

// Counts the calls of each client: how many a second (a token bucket), and how
// many are open. A client that keeps to the protocol makes a few calls for each
// task and a few for each connection, so the bucket gets calls for every task
// that is pushed, on top of those that come with time: however short the
// rounds are, they are no reason for a refusal. Thread-safe.
class CallLimits {
 public:
  struct Options {
    // 0: any number.
    int calls_per_second = 50;
    int open_calls = 16;
  };
  // The bucket holds what comes in so long.
  static constexpr std::chrono::seconds kBurst{10};
  // The calls that a task is good for: its model, its update, and both again.
  static constexpr int kCallsPerTask = 4;

  // Calls that connect a client (Join, Tasks) each leave a line in the event
  // log: so many may come at once, and one more with each interval.
  static constexpr int kConnectsAtOnce = 40;
  static constexpr std::chrono::milliseconds kConnectInterval{2500};

  enum class Kind { kPlain, kConnects };

  // A call that goes on; it ends when the last owner drops it, which must be
  // before these limits end.
  using OpenCall = std::shared_ptr<const void>;

  // `clock` must outlive the limits.
  CallLimits(Options options, const Clock& clock)
      : options_(options), clock_(clock) {}

  // RESOURCE_EXHAUSTED: the client calls too often, or has too many calls open;
  // the message names the limit. Such a call costs the client nothing more.
  StatusOr<OpenCall> Begin(const ClientName& client, Kind kind = Kind::kPlain)
      EXCLUDES(mutex_);

  // A task was pushed to the client.
  void ExpectCalls(const ClientName& client) EXCLUDES(mutex_);

  // Clients of which something is remembered: those with open calls, and those
  // whose bucket is not full. At most twice as many, and a few.
  std::size_t clients() const EXCLUDES(mutex_);

 private:
  struct Usage {
    double calls_left = 0;
    double connects_left = 0;
    Clock::Time counted;  // when those were right
    int open = 0;
  };

  double Capacity() const;
  // With what has come into the buckets since they were counted.
  double CallsLeft(const Usage& usage, Clock::Time now) const;
  static double ConnectsLeft(const Usage& usage, Clock::Time now);
  // The client's, counted now.
  Usage& UsageOf(const ClientName& client) REQUIRES(mutex_);
  // Forgets who would begin anew with the same.
  void Forget(Clock::Time now) REQUIRES(mutex_);
  void End(const ClientName& client) EXCLUDES(mutex_);

  const Options options_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<ClientName, Usage> clients_ GUARDED_BY(mutex_);
  std::size_t forget_at_ GUARDED_BY(mutex_) = 64;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_CALL_LIMITS_H_
