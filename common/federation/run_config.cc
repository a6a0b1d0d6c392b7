#include "common/federation/run_config.h"

#include <fmt/format.h>

#include <limits>

#include "common/crypto/identity.h"
#include "common/federation/bounds.h"
#include "common/federation/enum_names.h"

namespace fedgap {
namespace {

constexpr EnumNames<4> kWeightings = {"client", "group", "samples", "pixels"};
constexpr EnumNames<4> kStrategies = {"fedavg", "fedavgm", "fedadam", "median"};
constexpr EnumNames<2> kOnExcess = {"reject", "clip"};

using Problems = std::vector<std::string>;

// The name becomes a part of the run's id, of paths and of task ids.
void CheckRun(const RunConfig& config, Problems* problems) {
  const Status name = ValidateName(config.name, "run.name");
  if (!name.ok()) problems->push_back(MessageOf(name));
  if (config.seed >
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    problems->push_back("run.seed is above 2^63 - 1");
  }
}

void CheckModel(const RunConfig& config, Problems* problems) {
  const ModelConfig& model = config.model;
  if (model.mean.size() != model.stddev.size()) {
    problems->push_back(
        fmt::format("model.mean has {} channels, model.stddev has {}",
                    model.mean.size(), model.stddev.size()));
  }
  const auto channels = static_cast<std::size_t>(model.input_channels);
  if (model.file.empty() && !model.mean.empty() &&
      model.mean.size() != channels) {
    problems->push_back(
        fmt::format("model.mean has {} channels, model.input_channels is {}",
                    model.mean.size(), model.input_channels));
  }
}

void CheckTraining(const RunConfig& config, Problems* problems) {
  const LocalTraining& local = config.training.local;
  const Status schedule =
      CheckSchedule(config.training.schedule, local.learning_rate);
  if (!schedule.ok()) {
    problems->push_back(fmt::format("[training]: {}", MessageOf(schedule)));
  }
  if (local.momentum > kMaxMomentum) {
    problems->push_back(
        fmt::format("training.momentum = {} is not below 1 in single precision",
                    local.momentum));
  }
  if (local.nesterov && local.momentum == 0) {
    problems->push_back("training.nesterov needs training.momentum above 0");
  }
}

void CheckCohort(const RunConfig& config, Problems* problems) {
  const CohortConfig& cohort = config.cohort;
  if (cohort.size > cohort.max_size) {
    problems->push_back(
        fmt::format("cohort.size = {} is above cohort.max_size = {}",
                    cohort.size, cohort.max_size));
  }
  if (config.aggregation.strategy != StrategyKind::kMedian) return;
  const int largest = cohort.size > 0 ? cohort.size : cohort.max_size;
  if (config.aggregation.upload_slots < largest) {
    problems->push_back(fmt::format(
        "aggregation.strategy = median needs all updates of a round at once: "
        "raise aggregation.upload_slots from {} to {} or lower {}",
        config.aggregation.upload_slots, largest,
        cohort.size > 0 ? "cohort.size" : "cohort.max_size"));
  }
  if (config.aggregation.weighting != Weighting::kClient) {
    problems->push_back(
        fmt::format("aggregation.strategy = median takes no weights: leave "
                    "aggregation.weighting = client instead of {}",
                    ToString(config.aggregation.weighting)));
  }
}

void CheckEvaluation(const RunConfig& config, Problems* problems) {
  const EvaluationConfig& evaluation = config.evaluation;
  if (evaluation.local.groups != config.groups) {
    problems->push_back(
        "the clients' resolution groups are not those of resolution.edges");
  }
  if (evaluation.data.empty() && !evaluation.sizes.empty()) {
    problems->push_back(
        "evaluation.sizes is given, but the server has no evaluation.data");
  }
  const bool stops =
      config.stop.target_accuracy > 0 || config.stop.patience > 0;
  if (stops && evaluation.data.empty() &&
      evaluation.local.held_out_fraction == 0) {
    problems->push_back(
        "[stop] needs an accuracy: give evaluation.data or "
        "evaluation.held_out_fraction above 0");
  }
}

}  // namespace

std::string_view ToString(Weighting weighting) {
  return kWeightings[static_cast<std::size_t>(weighting)];
}

StatusOr<Weighting> WeightingFromString(std::string_view text) {
  return EnumFromString<Weighting>("weighting", kWeightings, text);
}

std::string_view ToString(StrategyKind strategy) {
  return kStrategies[static_cast<std::size_t>(strategy)];
}

StatusOr<StrategyKind> StrategyKindFromString(std::string_view text) {
  return EnumFromString<StrategyKind>("strategy", kStrategies, text);
}

std::string_view ToString(OnExcess on_excess) {
  return kOnExcess[static_cast<std::size_t>(on_excess)];
}

StatusOr<OnExcess> OnExcessFromString(std::string_view text) {
  return EnumFromString<OnExcess>("on_excess", kOnExcess, text);
}

Status Validate(const RunConfig& config) {
  Problems problems;
  CheckRun(config, &problems);
  CheckModel(config, &problems);
  CheckTraining(config, &problems);
  CheckCohort(config, &problems);
  CheckEvaluation(config, &problems);
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}", fmt::join(problems, "\n")));
}

}  // namespace fedgap
