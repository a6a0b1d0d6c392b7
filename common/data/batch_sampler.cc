#include "common/data/batch_sampler.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "common/base/check.h"

namespace fedgap {

BatchSampler::BatchSampler(const Options& options)
    : batch_size_(static_cast<std::size_t>(options.batch_size)),
      rng_(options.seed, RngPurpose::kShuffle, options.client, options.round) {
  FEDGAP_CHECK(options.samples > 0 &&
               options.samples <= std::numeric_limits<std::uint32_t>::max());
  FEDGAP_CHECK(options.batch_size > 0);
  FEDGAP_CHECK(options.steps > 0 || options.epochs > 0);
  const std::int64_t epoch_steps =
      (options.samples - 1) / options.batch_size + 1;
  total_steps_ =
      options.steps > 0 ? options.steps : options.epochs * epoch_steps;
  order_.resize(static_cast<std::size_t>(options.samples));
  std::iota(order_.begin(), order_.end(), 0u);
}

std::span<const std::uint32_t> BatchSampler::Next() {
  if (steps_done_ == total_steps_) return {};
  if (position_ == 0) rng_.Shuffle(std::span(order_));
  const std::size_t count = std::min(batch_size_, order_.size() - position_);
  const auto batch =
      std::span<const std::uint32_t>(order_).subspan(position_, count);
  position_ += count;
  if (position_ == order_.size()) position_ = 0;
  ++steps_done_;
  return batch;
}

}  // namespace fedgap
