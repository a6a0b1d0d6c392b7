#include "server/evaluation/held_out_evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "common/base/available_cpus.h"
#include "common/base/counter_rng.h"
#include "common/data/resize.h"

namespace fedgap {
namespace {

// Normalised pixels held at a time: 16 MB. A larger image goes alone.
constexpr std::int64_t kChunkElements = std::int64_t{1} << 22;
constexpr std::int64_t kChunkImages = 512;

int ArgMax(std::span<const float> values) {
  return static_cast<int>(std::ranges::max_element(values) - values.begin());
}

// `count` of the images, drawn by `seed`, in the set's own order.
std::shared_ptr<const ImageDataset> Sample(
    std::shared_ptr<const ImageDataset> data, int count, std::uint64_t seed) {
  if (count <= 0 || count >= data->size()) return data;
  std::vector<std::uint32_t> indices(static_cast<std::size_t>(data->size()));
  std::iota(indices.begin(), indices.end(), 0u);
  CounterRng rng(seed, RngPurpose::kHeldOut, "evaluation");
  rng.Shuffle(std::span(indices));
  indices.resize(static_cast<std::size_t>(count));
  std::ranges::sort(indices);
  return std::make_shared<const ImageDataset>(Subset(*data, indices));
}

std::vector<GroupMetrics> SumGroups(
    const std::vector<ServerEvaluation::Size>& entries, int groups,
    bool prototypes) {
  std::vector<GroupMetrics> sums(static_cast<std::size_t>(groups));
  for (const ServerEvaluation::Size& entry : entries) {
    BatchMetrics& sum = sums[static_cast<std::size_t>(entry.group)].sums;
    sum += prototypes ? BatchMetrics{.count = entry.sums.count,
                                     .correct = entry.prototype_correct,
                                     .loss_fixed = 0}
                      : entry.sums;
  }
  for (int group = 0; group < groups; ++group) {
    sums[static_cast<std::size_t>(group)].group = group;
  }
  std::erase_if(sums, [](const auto& sum) { return sum.sums.count == 0; });
  return sums;
}

}  // namespace

int NearestPrototype(const Prototypes& prototypes,
                     std::span<const float> pooled) {
  int nearest = -1;
  double smallest = std::numeric_limits<double>::infinity();
  for (int c = 0; c < prototypes.classes; ++c) {
    if (!prototypes.held[static_cast<std::size_t>(c)]) continue;
    const auto row = std::span(prototypes.means)
                         .subspan(static_cast<std::size_t>(c) * pooled.size(),
                                  pooled.size());
    double distance = 0;
    for (std::size_t i = 0; i < pooled.size(); ++i) {
      const double difference =
          static_cast<double>(pooled[i]) - static_cast<double>(row[i]);
      distance += difference * difference;
    }
    if (distance < smallest) {
      smallest = distance;
      nearest = c;
    }
  }
  return nearest;
}

StatusOr<std::unique_ptr<HeldOutEvaluator>> HeldOutEvaluator::Create(
    const Model& model, std::shared_ptr<const ImageDataset> data,
    const Options& options) {
  if (data->channels() != model.spec().input_channels) {
    return absl::InvalidArgumentError(
        fmt::format("the held-out images have {} channels, the model takes {}",
                    data->channels(), model.spec().input_channels));
  }
  if (std::ssize(data->class_names()) > model.classes()) {
    return absl::InvalidArgumentError(
        fmt::format("the held-out images have {} classes, the model knows {}",
                    data->class_names().size(), model.classes()));
  }
  data = Sample(std::move(data), options.max_samples, options.seed);
  auto evaluator =
      std::unique_ptr<HeldOutEvaluator>(new HeldOutEvaluator(model, options));
  if (options.sizes.empty()) {
    FEDGAP_RETURN_IF_ERROR(evaluator->AddNative(std::move(data)));
    return evaluator;
  }
  for (const ImageSize size : options.sizes) {
    FEDGAP_RETURN_IF_ERROR(evaluator->AddResized(*data, size));
  }
  return evaluator;
}

HeldOutEvaluator::HeldOutEvaluator(const Model& model, const Options& options)
    : model_(model),
      groups_(options.groups),
      resize_(options.resize),
      pool_(ThreadsFor(options.threads)),
      engine_(model, pool_),
      scratch_limit_(model, ScratchLimit::Work::kInference,
                     options.max_scratch_bytes) {}

int HeldOutEvaluator::AddEntry(std::string size, int group) {
  const auto classes = static_cast<std::size_t>(model_.classes());
  empty_entries_.push_back(
      {.size = std::move(size),
       .group = group,
       .sums = {},
       .prototype_correct = 0,
       .confusion = std::vector<std::int64_t>(classes * classes)});
  return static_cast<int>(empty_entries_.size()) - 1;
}

Status HeldOutEvaluator::AddSet(std::shared_ptr<const ImageDataset> images,
                                std::vector<int> entries) {
  if (resize_.has_value()) {
    FEDGAP_RETURN_IF_ERROR(scratch_limit_.CheckImage(*resize_));
    FEDGAP_ASSIGN_OR_RETURN(ImageDataset resized, Resize(*images, *resize_));
    images = std::make_shared<const ImageDataset>(std::move(resized));
  }
  std::set<ImageSize> sizes;
  for (std::int64_t i = 0; i < images->size(); ++i) {
    sizes.insert(images->image_size(i));
  }
  for (const ImageSize size : sizes) {
    FEDGAP_RETURN_IF_ERROR(scratch_limit_.CheckImage(size));
  }
  sets_.push_back({.images = std::move(images), .entries = std::move(entries)});
  return absl::OkStatus();
}

Status HeldOutEvaluator::AddResized(const ImageDataset& data, ImageSize size) {
  FEDGAP_RETURN_IF_ERROR(scratch_limit_.CheckImage(resize_.value_or(size)));
  FEDGAP_ASSIGN_OR_RETURN(ImageDataset resized, Resize(data, size));
  const int entry = AddEntry(size.ToString(), groups_.GroupOf(size));
  return AddSet(std::make_shared<const ImageDataset>(std::move(resized)),
                std::vector<int>(static_cast<std::size_t>(data.size()), entry));
}

Status HeldOutEvaluator::AddNative(std::shared_ptr<const ImageDataset> data) {
  std::vector<int> groups;
  std::vector<bool> present(static_cast<std::size_t>(groups_.count()));
  for (std::int64_t i = 0; i < data->size(); ++i) {
    groups.push_back(groups_.GroupOf(data->image_size(i)));
    present[static_cast<std::size_t>(groups.back())] = true;
  }
  std::vector<int> entry_of(present.size(), -1);
  for (std::size_t group = 0; group < present.size(); ++group) {
    if (present[group]) entry_of[group] = AddEntry("", static_cast<int>(group));
  }
  for (int& group : groups) group = entry_of[static_cast<std::size_t>(group)];
  return AddSet(std::move(data), std::move(groups));
}

StatusOr<ServerEvaluation> HeldOutEvaluator::Evaluate(
    std::span<const float> parameters, const Prototypes& prototypes) {
  if (std::ssize(parameters) != model_.layout().elements()) {
    return absl::InvalidArgumentError(
        fmt::format("{} parameters, the model has {}", parameters.size(),
                    model_.layout().elements()));
  }
  const bool usable = !prototypes.empty() &&
                      prototypes.classes == model_.classes() &&
                      prototypes.channels == model_.pooled_channels();
  engine_.Load(parameters);
  ServerEvaluation evaluation;
  evaluation.sizes = empty_entries_;
  for (const Set& set : sets_) {
    EvaluateSet(set, usable ? &prototypes : nullptr, evaluation.sizes);
  }
  evaluation.groups = SumGroups(evaluation.sizes, groups_.count(), false);
  if (usable) {
    evaluation.prototype_groups =
        SumGroups(evaluation.sizes, groups_.count(), true);
  }
  evaluation.fairness = Summarize(evaluation.groups);
  return evaluation;
}

void HeldOutEvaluator::EvaluateSet(
    const Set& set, const Prototypes* prototypes,
    std::vector<ServerEvaluation::Size>& entries) {
  const std::int64_t channels = set.images->channels();
  std::int64_t begin = 0;
  while (begin < set.images->size()) {
    std::int64_t end = begin;
    std::int64_t elements = 0;
    while (end < set.images->size() && end - begin < kChunkImages) {
      elements += set.images->image_size(end).pixels() * channels;
      if (end > begin && elements > kChunkElements) break;
      ++end;
    }
    EvaluateChunk(set, begin, end, prototypes, entries);
    begin = end;
  }
}

std::vector<ImageView> HeldOutEvaluator::ReadChunk(const ImageDataset& images,
                                                   std::int64_t begin,
                                                   std::int64_t end) {
  const auto count = static_cast<std::size_t>(end - begin);
  std::vector<std::size_t> offsets(count + 1, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const ImageSize size =
        images.image_size(begin + static_cast<std::int64_t>(i));
    offsets[i + 1] = offsets[i] + static_cast<std::size_t>(size.pixels() *
                                                           images.channels());
  }
  pixels_.resize(std::max(pixels_.size(), offsets.back()));
  std::vector<ImageView> views(count);
  pool_.ParallelFor(static_cast<int>(count), [&](int index, int) {
    const auto i = static_cast<std::size_t>(index);
    const std::span<float> out =
        std::span(pixels_).subspan(offsets[i], offsets[i + 1] - offsets[i]);
    images.Read(begin + index, model_.spec().normalization, out);
    views[i] = {.pixels = out.data(),
                .size = images.image_size(begin + index),
                .channels = images.channels()};
  });
  return views;
}

void HeldOutEvaluator::EvaluateChunk(
    const Set& set, std::int64_t begin, std::int64_t end,
    const Prototypes* prototypes,
    std::vector<ServerEvaluation::Size>& entries) {
  const std::vector<ImageView> views = ReadChunk(*set.images, begin, end);
  const auto classes = static_cast<std::size_t>(model_.classes());
  const auto channels = static_cast<std::size_t>(model_.pooled_channels());
  logits_.resize(views.size() * classes);
  pooled_.resize(prototypes != nullptr ? views.size() * channels : 0);
  engine_.Run(views, logits_, pooled_);
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto sample = static_cast<std::size_t>(begin) + i;
    ServerEvaluation::Size& entry =
        entries[static_cast<std::size_t>(set.entries[sample])];
    const int label = set.images->label(static_cast<std::int64_t>(sample));
    const auto logits = std::span(logits_).subspan(i * classes, classes);
    entry.sums += ScoreLogits(logits, label);
    entry.confusion[static_cast<std::size_t>(label) * classes +
                    static_cast<std::size_t>(ArgMax(logits))] += 1;
    if (prototypes == nullptr) continue;
    const auto pooled = std::span(pooled_).subspan(i * channels, channels);
    entry.prototype_correct += NearestPrototype(*prototypes, pooled) == label;
  }
}

}  // namespace fedgap
