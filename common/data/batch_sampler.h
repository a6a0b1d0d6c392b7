// The order in which a client trains on its samples in one round.
#ifndef FEDGAP_COMMON_DATA_BATCH_SAMPLER_H_
#define FEDGAP_COMMON_DATA_BATCH_SAMPLER_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/counter_rng.h"

namespace fedgap {

// Deals shuffled epochs in batches: each epoch is a fresh permutation of all
// samples, cut in order; the short batch at its end is kept. A function of the
// options alone. Not thread-safe.
class BatchSampler {
 public:
  struct Options {
    // Each at least 1.
    std::int64_t samples = 0;
    std::int64_t batch_size = 32;
    // Local work: this many epochs, or, where `steps` is above zero, exactly
    // that many batches, beginning another epoch whenever one ends.
    std::int64_t epochs = 1;
    std::int64_t steps = 0;
    // The key of the shuffles.
    std::uint64_t seed = 0;
    std::string_view client = {};  // read by the constructor only
    std::uint64_t round = 0;
  };

  explicit BatchSampler(const Options& options);

  // Batches of the whole round.
  std::int64_t total_steps() const { return total_steps_; }

  // The next batch, positions in [0, samples), valid until the next call;
  // empty after the last.
  std::span<const std::uint32_t> Next();

 private:
  std::vector<std::uint32_t> order_;
  std::size_t batch_size_;
  std::int64_t total_steps_ = 0;
  std::int64_t steps_done_ = 0;
  std::size_t position_ = 0;
  CounterRng rng_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_BATCH_SAMPLER_H_
