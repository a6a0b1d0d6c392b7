#include "client/core/local_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "client/core/pooled_accumulator.h"
#include "common/base/check.h"
#include "common/data/batch_sampler.h"
#include "common/data/held_out.h"
#include "common/nn/sgd.h"
#include "common/tensor/span_math.h"

namespace fedgap {
namespace {

// Images looked at together: enough to share among threads, few enough to stay
// small (16 MiB of pixels, or one image where that is larger).
constexpr std::size_t kLookBlock = 128;
constexpr std::int64_t kLookElements = std::int64_t{1} << 22;

Status CheckLabel(const Model& model, const DataSource& data, std::int64_t i) {
  const int label = data.label(i);
  if (label < 0 || label >= model.classes()) {
    return absl::InvalidArgumentError(fmt::format(
        "sample {} has label {}; model {} has {} classes, 0 to {}", i, label,
        model.spec().name, model.classes(), model.classes() - 1));
  }
  return absl::OkStatus();
}

Status CheckSamples(const TrainingEngines& engines, const DataSource& data) {
  std::set<ImageSize> good;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    FEDGAP_RETURN_IF_ERROR(CheckLabel(engines.model(), data, i));
    const ImageSize size = data.image_size(i);
    if (good.contains(size)) continue;
    const Status status = engines.CheckImage(size);
    if (!status.ok()) return Annotate(status, fmt::format("sample {}", i));
    good.insert(size);
  }
  return absl::OkStatus();
}

// gradient += mu (w - w_global), the proximal term of FedProx (Li et al.,
// "Federated optimization in heterogeneous networks", 2020, equation 2).
void AddProximal(float mu, std::span<const float> parameters,
                 std::span<const float> start, std::span<float> gradient) {
  for (std::size_t i = 0; i < start.size(); ++i) {
    gradient[i] += mu * (parameters[i] - start[i]);
  }
}

}  // namespace

StatusOr<std::unique_ptr<LocalTrainer>> LocalTrainer::Create(
    TrainingEngines& engines, const DataSource& data, const Clock& clock,
    Options options) {
  const Model& model = engines.model();
  if (data.size() == 0) {
    return absl::InvalidArgumentError("there are no samples to train on");
  }
  if (data.channels() != model.spec().input_channels) {
    return absl::InvalidArgumentError(
        fmt::format("the images have {} channels, model {} takes {}; "
                    "--channels {} converts "
                    "them",
                    data.channels(), model.spec().name,
                    model.spec().input_channels, model.spec().input_channels));
  }
  FEDGAP_RETURN_IF_ERROR(CheckSamples(engines, data));
  return std::unique_ptr<LocalTrainer>(
      new LocalTrainer(engines, data, clock, std::move(options)));
}

LocalTrainer::LocalTrainer(TrainingEngines& engines, const DataSource& data,
                           const Clock& clock, Options options)
    : engines_(engines),
      model_(engines.model()),
      data_(data),
      clock_(clock),
      options_(std::move(options)) {}

bool LocalTrainer::ShouldStop() const {
  return options_.should_stop && options_.should_stop();
}

void LocalTrainer::Split(std::uint64_t seed, double fraction) {
  if (parts_.seed == seed && parts_.fraction == fraction) return;
  HeldOutSplit split = SplitHeldOut(data_, fraction, seed, options_.name.value);
  parts_ = {seed, fraction, std::move(split.training),
            std::move(split.held_out)};
}

Parameters LocalTrainer::Assemble(std::uint64_t seed,
                                  std::span<const float> global,
                                  std::span<const float> local) const {
  const Layout& layout = model_.layout();
  const ElementRange own = layout.range(TensorRole::kLocal);
  FEDGAP_CHECK(static_cast<std::int64_t>(global.size()) == own.begin);
  Parameters parameters(global.begin(), global.end());
  if (own.size() == 0) return parameters;
  if (local.empty()) {
    const Parameters initial = model_.InitialParameters(seed);
    parameters.insert(parameters.end(), initial.begin() + own.begin,
                      initial.end());
  } else {
    FEDGAP_CHECK(static_cast<std::int64_t>(local.size()) == own.size());
    parameters.insert(parameters.end(), local.begin(), local.end());
  }
  return parameters;
}

void LocalTrainer::Load(std::span<const std::uint32_t> samples, Batch& batch) {
  const auto channels = static_cast<std::size_t>(data_.channels());
  std::size_t elements = 0;
  for (const std::uint32_t sample : samples) {
    elements +=
        static_cast<std::size_t>(data_.image_size(sample).pixels()) * channels;
  }
  if (batch.pixels.size() < elements) batch.pixels.resize(elements);
  batch.examples.clear();
  std::span<float> free(batch.pixels);
  for (const std::uint32_t sample : samples) {
    const ImageSize size = data_.image_size(sample);
    const auto image =
        free.first(static_cast<std::size_t>(size.pixels()) * channels);
    data_.Read(sample, model_.spec().normalization, image);
    batch.examples.push_back(
        {{image.data(), size, data_.channels()}, data_.label(sample)});
    free = free.subspan(image.size());
  }
}

std::size_t LocalTrainer::BlockSize(
    std::span<const std::uint32_t> samples) const {
  std::int64_t elements = 0;
  std::size_t size = 0;
  while (size < std::min(kLookBlock, samples.size())) {
    elements += data_.image_size(samples[size]).pixels() * data_.channels();
    if (size > 0 && elements > kLookElements) break;
    ++size;
  }
  return size;
}

std::vector<GroupCounts> LocalTrainer::CountGroups(
    const ResolutionGroups& groups) const {
  std::map<int, GroupCounts> counts;
  for (const std::uint32_t sample : parts_.training) {
    const ImageSize size = data_.image_size(sample);
    const int group = groups.GroupOf(size);
    GroupCounts& count = counts[group];
    count.group = group;
    ++count.samples;
    count.pixels += size.pixels();
  }
  std::vector<GroupCounts> list;
  for (const auto& [group, count] : counts) list.push_back(count);
  return list;
}

StatusOr<std::vector<GroupMetrics>> LocalTrainer::Look(
    std::span<const std::uint32_t> samples, const ResolutionGroups& groups,
    PooledAccumulator* pooled) {
  const auto classes = static_cast<std::size_t>(model_.classes());
  const auto channels = static_cast<std::size_t>(model_.pooled_channels());
  std::vector<float> logits(kLookBlock * classes);
  std::vector<float> vectors(kLookBlock * channels);
  std::vector<ImageView> images;
  std::map<int, BatchMetrics> sums;
  while (!samples.empty()) {
    if (ShouldStop()) return absl::CancelledError("evaluation was stopped");
    const auto block = samples.first(BlockSize(samples));
    samples = samples.subspan(block.size());
    Load(block, batch_);
    images.clear();
    for (const Example& example : batch_.examples) {
      images.push_back(example.image);
    }
    engines_.inference().Run(images,
                             std::span(logits).first(block.size() * classes),
                             std::span(vectors).first(block.size() * channels));
    for (std::size_t i = 0; i < block.size(); ++i) {
      const Example& example = batch_.examples[i];
      const int group = groups.GroupOf(example.image.size);
      sums[group] += ScoreLogits(
          std::span(logits).subspan(i * classes, classes), example.label);
      if (pooled == nullptr) continue;
      pooled->Add(group, example.label,
                  std::span(vectors).subspan(i * channels, channels));
    }
  }
  std::vector<GroupMetrics> metrics;
  for (const auto& [group, sum] : sums) metrics.push_back({group, sum});
  return metrics;
}

StatusOr<LocalTrainer::Result> LocalTrainer::Train(
    const Task& task, const TrainTask& work, std::span<const float> global,
    std::span<const float> local) {
  Split(work.run_seed, work.evaluation.held_out_fraction);
  Parameters parameters = Assemble(work.run_seed, global, local);
  Result result;
  UpdateInfo& info = result.update.info;
  info.task = task.id;
  info.round = task.round;
  info.base = task.base;
  info.counts = CountGroups(work.evaluation.groups);

  // What the received model makes of this client's data, before any step.
  const Clock::Time began = clock_.Now();
  engines_.inference().Load(parameters);
  PooledAccumulator pooled(work.evaluation.pooled, model_.classes(),
                           model_.pooled_channels());
  if (work.evaluation.pooled != PooledMode::kOff) {
    FEDGAP_ASSIGN_OR_RETURN(
        info.train_metrics,
        Look(parts_.training, work.evaluation.groups, &pooled));
  }
  FEDGAP_ASSIGN_OR_RETURN(
      info.held_out_metrics,
      Look(parts_.held_out, work.evaluation.groups, nullptr));
  info.pooled = pooled.Report(work.evaluation.min_class_count);

  FEDGAP_RETURN_IF_ERROR(RunSteps(task, work, parameters, info));
  info.train_seconds = ToSeconds(clock_.Now() - began);

  result.update.delta.resize(global.size());
  Subtract(std::span(parameters).first(global.size()), global,
           result.update.delta);
  result.local.assign(
      parameters.begin() + static_cast<std::ptrdiff_t>(global.size()),
      parameters.end());
  return result;
}

Status LocalTrainer::RunSteps(const Task& task, const TrainTask& work,
                              Parameters& parameters, UpdateInfo& info) {
  const LocalTraining& how = work.training;
  const auto federated =
      static_cast<std::size_t>(model_.layout().federated_range().size());
  const Parameters start(
      parameters.begin(),
      parameters.begin() +
          static_cast<std::ptrdiff_t>(how.proximal_mu > 0 ? federated : 0));
  GradientEngine& engine =
      engines_.gradient(how.gradient_shards, how.precision);
  Sgd sgd(parameters.size(),
          {.momentum = static_cast<float>(how.momentum),
           .weight_decay = static_cast<float>(how.weight_decay),
           .nesterov = how.nesterov,
           .isa = engines_.isa()});
  BatchSampler sampler({.samples = std::ssize(parts_.training),
                        .batch_size = how.batch_size,
                        .epochs = how.epochs,
                        .steps = how.steps,
                        .seed = work.run_seed,
                        .client = options_.name.value,
                        .round = static_cast<std::uint64_t>(task.round)});
  std::vector<std::uint32_t> samples;
  Parameters gradient(parameters.size());
  while (true) {
    samples.clear();
    for (const std::uint32_t position : sampler.Next()) {
      samples.push_back(parts_.training[position]);
    }
    if (samples.empty()) return absl::OkStatus();
    if (ShouldStop()) return absl::CancelledError("training was stopped");
    Load(samples, batch_);
    info.training += engine.Compute(parameters, batch_.examples, gradient);
    AddProximal(static_cast<float>(how.proximal_mu), parameters, start,
                gradient);
    if (how.clip_norm > 0) ClipNorm(how.clip_norm, gradient);
    sgd.Step(static_cast<float>(how.learning_rate), gradient, parameters);
    ++info.local_steps;
  }
}

StatusOr<Update> LocalTrainer::Evaluate(const Task& task,
                                        const EvaluateTask& work,
                                        std::span<const float> global,
                                        std::span<const float> local) {
  Split(work.run_seed, work.evaluation.held_out_fraction);
  engines_.inference().Load(Assemble(work.run_seed, global, local));
  Update update;
  update.info.task = task.id;
  update.info.round = task.round;
  update.info.base = task.base;
  update.info.counts = CountGroups(work.evaluation.groups);
  FEDGAP_ASSIGN_OR_RETURN(
      update.info.held_out_metrics,
      Look(parts_.held_out, work.evaluation.groups, nullptr));
  return update;
}

}  // namespace fedgap
