// ExactAccumulator over several processes: first what is small (counts, weights
// and which sums are used at all), then the sums that anybody uses.
#include <fmt/format.h>

#include <vector>

#include "server/aggregation/exact_accumulator.h"

namespace fedgap {
namespace {

// A weight below 2^126 as integers whose sums over any number of processes do
// not overflow.
constexpr int kLimbs = 3;
constexpr int kLimbBits = 42;
constexpr std::int64_t kLimbMask = (std::int64_t{1} << kLimbBits) - 1;
constexpr std::uint64_t kWordBits = 64;

}  // namespace

// Valid at the root.
struct ExactAccumulator::ReducedHead {
  std::int64_t count = 0;
  std::vector<Int128> weights;  // by bin
};

StatusOr<ExactAccumulator::ReducedHead> ExactAccumulator::ReduceHead(
    SumReducer& reducer) const {
  std::vector<std::int64_t> words = {count_};
  for (const Bin& bin : bins_) {
    for (int limb = 0; limb < kLimbs; ++limb) {
      words.push_back(static_cast<std::int64_t>(
          (bin.weight >> (limb * kLimbBits)) & kLimbMask));
    }
  }
  FEDGAP_RETURN_IF_ERROR(reducer.SumToRoot(words));
  ReducedHead head;
  head.count = words.front();
  for (std::size_t b = 0; b < bins_.size(); ++b) {
    Int128 weight = 0;
    for (int limb = 0; limb < kLimbs; ++limb) {
      weight += Int128{words[1 + b * kLimbs + static_cast<std::size_t>(limb)]}
                << (limb * kLimbBits);
    }
    head.weights.push_back(weight);
  }
  return head;
}

Status ExactAccumulator::ReduceSums(SumReducer& reducer) {
  const auto digits = static_cast<std::size_t>(scale_.digits);
  std::vector<std::uint64_t> used(bins_.size() * digits / kWordBits + 1, 0);
  const auto word = [&](std::size_t bin, std::size_t digit) -> std::uint64_t& {
    return used[(bin * digits + digit) / kWordBits];
  };
  const auto bit = [&](std::size_t bin, std::size_t digit) {
    return std::uint64_t{1} << ((bin * digits + digit) % kWordBits);
  };
  for (std::size_t b = 0; b < bins_.size(); ++b) {
    for (std::size_t d = 0; d < digits; ++d) {
      if (!bins_[b].digits[d].empty()) word(b, d) |= bit(b, d);
    }
  }
  FEDGAP_RETURN_IF_ERROR(reducer.UniteForAll(used));
  for (std::size_t b = 0; b < bins_.size(); ++b) {
    for (std::size_t d = 0; d < digits; ++d) {
      if ((word(b, d) & bit(b, d)) == 0) continue;
      Sums& sums = bins_[b].digits[d];
      sums.resize(static_cast<std::size_t>(elements_), 0);
      FEDGAP_RETURN_IF_ERROR(reducer.SumToRoot(sums));
    }
  }
  return absl::OkStatus();
}

Status ExactAccumulator::Reduce(SumReducer& reducer, bool is_root) {
  FEDGAP_RETURN_IF_ERROR(CheckUsable());
  broken_ = true;  // until it has gone well, and for good elsewhere
  FEDGAP_ASSIGN_OR_RETURN(const ReducedHead head, ReduceHead(reducer));
  FEDGAP_RETURN_IF_ERROR(ReduceSums(reducer));
  if (!is_root) return absl::OkStatus();
  if (head.count > limits_.max_count) {
    return absl::ResourceExhaustedError(
        fmt::format("the accumulator holds at most {} updates; the processes "
                    "took {}",
                    limits_.max_count, head.count));
  }
  count_ = head.count;
  for (std::size_t b = 0; b < bins_.size(); ++b) {
    bins_[b].weight = head.weights[b];
  }
  broken_ = false;
  return absl::OkStatus();
}

}  // namespace fedgap
