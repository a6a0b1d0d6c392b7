// How long to wait before the next attempt to reach a server.
#ifndef FEDGAP_CLIENT_CORE_BACK_OFF_H_
#define FEDGAP_CLIENT_CORE_BACK_OFF_H_

#include <chrono>

#include "common/base/counter_rng.h"

namespace fedgap {

// Exponential back-off with full jitter (Brooker, "Exponential backoff and
// jitter", 2015): a draw from [least, min(most, least * 2^failures)], so that
// a thousand clients of a restarted server do not return at one moment.
class BackOff {
 public:
  struct Options {
    std::chrono::milliseconds least{200};
    std::chrono::milliseconds most{30000};
  };

  // The draws come from `rng`; give each client its own stream.
  BackOff(Options options, CounterRng rng) : options_(options), rng_(rng) {}

  std::chrono::milliseconds Next();
  void Reset() { failures_ = 0; }
  int failures() const { return failures_; }

 private:
  Options options_;
  CounterRng rng_;
  int failures_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_BACK_OFF_H_
