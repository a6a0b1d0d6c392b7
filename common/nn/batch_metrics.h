// Accuracy and loss as integer sums.
#ifndef FEDGAP_COMMON_NN_BATCH_METRICS_H_
#define FEDGAP_COMMON_NN_BATCH_METRICS_H_

#include <cstdint>
#include <limits>

namespace fedgap {

// a + b for sums of what cannot be negative: held at the largest int64 instead
// of overflowing, so that their order does not matter there either.
inline std::int64_t SaturatingAdd(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}

// Sums over examples, in integers, so that their order does not matter and
// decisions made from them are the same everywhere. Clients' sums come from
// outside: adding them saturates.
struct BatchMetrics {
  // Losses are summed as rint(loss * 2^20); one that is larger than kMaxLoss
  // or not a number counts as kMaxLoss.
  static constexpr double kLossScale = 1048576.0;
  static constexpr double kMaxLoss = 1048576.0;

  std::int64_t count = 0;
  std::int64_t correct =
      0;  // argmax of the logits (the first of ties) == label
  std::int64_t loss_fixed = 0;

  // 0 where there are no examples.
  double loss() const {
    return count > 0 ? static_cast<double>(loss_fixed) / kLossScale /
                           static_cast<double>(count)
                     : 0.0;
  }
  double accuracy() const {
    return count > 0 ? static_cast<double>(correct) / static_cast<double>(count)
                     : 0.0;
  }
  BatchMetrics& operator+=(const BatchMetrics& other) {
    count = SaturatingAdd(count, other.count);
    correct = SaturatingAdd(correct, other.correct);
    loss_fixed = SaturatingAdd(loss_fixed, other.loss_fixed);
    return *this;
  }
  bool operator==(const BatchMetrics&) const = default;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_BATCH_METRICS_H_
