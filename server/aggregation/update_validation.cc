#include "server/aggregation/update_validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/check.h"
#include "common/tensor/span_math.h"
#include "server/aggregation/delta_sums.h"
#include "server/aggregation/weighting.h"

namespace fedgap {
namespace {

constexpr std::int64_t kBlock = 1 << 14;
constexpr std::int64_t kMaxSteps = std::int64_t{1} << 40;

template <typename... Args>
Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format(format, std::forward<Args>(args)...));
}

Status CheckSums(const char* what, const BatchMetrics& sums,
                 std::int64_t most) {
  if (sums.count < 0 || sums.count > most) {
    return Invalid("{} over {} samples; the client has at most {}", what,
                   sums.count, most);
  }
  if (sums.correct < 0 || sums.correct > sums.count) {
    return Invalid("{}: {} correct of {} samples", what, sums.correct,
                   sums.count);
  }
  const double loss = static_cast<double>(sums.loss_fixed);
  const double bound = BatchMetrics::kMaxLoss * BatchMetrics::kLossScale *
                       static_cast<double>(sums.count);
  if (loss < 0 || loss > bound) {
    return Invalid("{}: a loss sum of {} for {} samples", what,
                   loss / BatchMetrics::kLossScale, sums.count);
  }
  return absl::OkStatus();
}

std::int64_t SamplesOfGroup(const UpdateInfo& info, int group) {
  const auto counts =
      std::ranges::find(info.counts, group, &GroupCounts::group);
  return counts == info.counts.end() ? 0 : counts->samples;
}

// `most` bounds the samples of all groups together.
Status CheckMetrics(const char* what, std::span<const GroupMetrics> metrics,
                    const UpdateRules& rules, std::int64_t most) {
  int last = -1;
  for (const GroupMetrics& group : metrics) {
    if (group.group <= last || group.group >= rules.evaluation.groups.count()) {
      return Invalid(
          "{}: resolution group {} after {} is out of order or not below {}",
          what, group.group, last, rules.evaluation.groups.count());
    }
    last = group.group;
    FEDGAP_RETURN_IF_ERROR(CheckSums(what, group.sums, most));
    most -= group.sums.count;
  }
  return absl::OkStatus();
}

Status CheckVector(const char* what, std::span<const float> vector,
                   std::size_t expected) {
  if (vector.size() != expected) {
    return Invalid("{} has {} elements instead of {}", what, vector.size(),
                   expected);
  }
  if (!AllFinite(vector)) return Invalid("{} is not finite", what);
  return absl::OkStatus();
}

Status CheckClasses(const GroupPooledStatistics& pooled,
                    const UpdateRules& rules) {
  const auto classes = static_cast<std::size_t>(rules.classes);
  const auto channels = static_cast<std::size_t>(rules.channels);
  if (rules.evaluation.pooled != PooledMode::kClasses) {
    if (pooled.class_counts.empty() && pooled.class_means.empty()) {
      return absl::OkStatus();
    }
    return Invalid("pooled class means were not asked for");
  }
  if (pooled.class_counts.size() != classes) {
    return Invalid("pooled statistics count {} classes instead of {}",
                   pooled.class_counts.size(), classes);
  }
  FEDGAP_RETURN_IF_ERROR(CheckVector("a matrix of pooled class means",
                                     pooled.class_means, classes * channels));
  std::int64_t left = pooled.count;
  for (std::size_t label = 0; label < classes; ++label) {
    const std::int64_t count = pooled.class_counts[label];
    if (count < 0 || count > left ||
        (count > 0 && count < rules.evaluation.min_class_count)) {
      return Invalid(
          "pooled statistics hold {} samples of class {}: neither 0 nor from "
          "{} to {}",
          count, label, rules.evaluation.min_class_count, left);
    }
    left -= count;
    const auto row =
        std::span(pooled.class_means).subspan(label * channels, channels);
    if (count == 0 && MaxAbs(row) != 0) {
      return Invalid("the pooled mean of class {} has no samples", label);
    }
  }
  if (left != 0) {
    return Invalid(
        "pooled statistics cover {} samples of classes that are withheld",
        left);
  }
  return absl::OkStatus();
}

Status CheckPooled(const UpdateInfo& info, const UpdateRules& rules) {
  if (rules.evaluation.pooled == PooledMode::kOff &&
      !info.pooled.groups.empty()) {
    return Invalid("pooled statistics were not asked for");
  }
  int last = -1;
  for (const GroupPooledStatistics& pooled : info.pooled.groups) {
    if (pooled.group <= last) {
      return Invalid("pooled statistics are not ascending: group {} after {}",
                     pooled.group, last);
    }
    last = pooled.group;
    const std::int64_t samples = SamplesOfGroup(info, pooled.group);
    const int least = rules.evaluation.min_class_count;
    if (pooled.count < least || pooled.count > samples) {
      return Invalid(
          "pooled statistics over {} samples of resolution group {}, of which "
          "the client counts {}; fewer than {} are withheld",
          pooled.count, pooled.group, samples, least);
    }
    FEDGAP_RETURN_IF_ERROR(
        CheckVector("a pooled mean", pooled.mean,
                    static_cast<std::size_t>(rules.channels)));
    FEDGAP_RETURN_IF_ERROR(CheckClasses(pooled, rules));
  }
  return absl::OkStatus();
}

// Of a train task, whose counts have been checked.
Status CheckTrainMetrics(const UpdateInfo& info, const UpdateRules& rules) {
  FEDGAP_RETURN_IF_ERROR(
      CheckMetrics("train metrics", info.train_metrics, rules, info.samples()));
  for (const GroupMetrics& group : info.train_metrics) {
    FEDGAP_RETURN_IF_ERROR(CheckSums("train metrics", group.sums,
                                     SamplesOfGroup(info, group.group)));
  }
  // Trained on or held out: together they are the client's whole data.
  return CheckMetrics("held-out metrics", info.held_out_metrics, rules,
                      rules.validation.max_samples - info.samples());
}

// Names the first element of `block` that is not finite.
Status NotFinite(std::span<const float> block, std::int64_t begin,
                 const Layout& layout) {
  const auto bad = std::ranges::find_if(
      block, [](float value) { return !std::isfinite(value); });
  const std::int64_t element = begin + (bad - block.begin());
  std::size_t tensor = 0;
  while (layout.range(tensor).end <= element) ++tensor;
  return Invalid("{} at element {} of tensor {}",
                 std::isnan(*bad) ? "NaN" : "an infinite value",
                 element - layout.range(tensor).begin,
                 layout.tensors()[tensor].name);
}

Status ApplyBounds(const ValidationConfig& validation, UpdateFacts* facts) {
  const bool bounded = validation.max_update_norm > 0;
  const bool clip = validation.on_excess == OnExcess::kClip;
  if (facts->max_abs > validation.max_abs_delta) {
    if (!clip) {
      return Invalid(
          "an element changes by {:.6g}, more than validation.max_abs_delta = "
          "{:.6g}; is the learning rate too high?",
          facts->max_abs, validation.max_abs_delta);
    }
    facts->scale = validation.max_abs_delta / facts->max_abs;
  }
  if (bounded && facts->norm > validation.max_update_norm) {
    if (!clip) {
      return Invalid(
          "the update's norm is {:.6g}, more than validation.max_update_norm "
          "= {:.6g}",
          facts->norm, validation.max_update_norm);
    }
    facts->scale =
        std::min(facts->scale, validation.max_update_norm / facts->norm);
  }
  return absl::OkStatus();
}

}  // namespace

Status ValidateInfo(const UpdateInfo& info, const UpdateRules& rules) {
  FEDGAP_RETURN_IF_ERROR(CheckCounts(info.counts, rules.validation));
  if (info.counts.back().group >= rules.evaluation.groups.count()) {
    return Invalid("resolution group {} of {} does not exist",
                   info.counts.back().group, rules.evaluation.groups.count());
  }
  if (info.local_steps < 0 || info.local_steps > kMaxSteps) {
    return Invalid("{} local steps", info.local_steps);
  }
  if (!std::isfinite(info.train_seconds) || info.train_seconds < 0) {
    return Invalid("training took {} seconds", info.train_seconds);
  }
  FEDGAP_RETURN_IF_ERROR(CheckTrainMetrics(info, rules));
  // Over every step: a sample counts as often as it was seen.
  FEDGAP_RETURN_IF_ERROR(
      CheckSums("training metrics", info.training,
                std::numeric_limits<std::int64_t>::max() / 2));
  return CheckPooled(info, rules);
}

Status ValidateEvaluation(const UpdateInfo& info, const UpdateRules& rules) {
  if (!info.pooled.groups.empty()) {
    return Invalid("an evaluation carries no pooled statistics");
  }
  const std::int64_t most = rules.validation.max_samples;
  FEDGAP_RETURN_IF_ERROR(
      CheckMetrics("train metrics", info.train_metrics, rules, most));
  return CheckMetrics("held-out metrics", info.held_out_metrics, rules, most);
}

StatusOr<UpdateFacts> ValidateUpdate(const UpdateInfo& info,
                                     const VectorSource& delta,
                                     const UpdateRules& rules,
                                     std::span<const float> direction) {
  FEDGAP_RETURN_IF_ERROR(ValidateInfo(info, rules));
  const std::int64_t elements = rules.layout.federated_range().size();
  if (delta.elements() != elements) {
    return Invalid("the update has {} elements; the layout has {}",
                   delta.elements(), elements);
  }
  FEDGAP_CHECK(direction.empty() || std::ssize(direction) == elements);
  UpdateFacts facts;
  double squares = 0;
  Parameters scratch;
  for (std::int64_t begin = 0; begin < elements; begin += kBlock) {
    const auto size =
        static_cast<std::size_t>(std::min(kBlock, elements - begin));
    std::span<const float> block = delta.InMemory();
    if (!block.empty()) {
      block = block.subspan(static_cast<std::size_t>(begin), size);
    } else {
      scratch.resize(size);
      FEDGAP_RETURN_IF_ERROR(delta.Read(begin, scratch));
      block = scratch;
    }
    const DeltaSums sums = SumDelta(
        block, direction.empty()
                   ? direction
                   : direction.subspan(static_cast<std::size_t>(begin), size));
    if (!std::isfinite(sums.squares)) {
      return NotFinite(block, begin, rules.layout);
    }
    facts.max_abs = std::max(facts.max_abs, double{sums.max_abs});
    squares += sums.squares;
    facts.dot += sums.dot;
  }
  facts.norm = std::sqrt(squares);
  FEDGAP_RETURN_IF_ERROR(ApplyBounds(rules.validation, &facts));
  return facts;
}

}  // namespace fedgap
