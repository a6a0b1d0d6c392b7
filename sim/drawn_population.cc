#include "sim/drawn_population.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/parse_number.h"
#include "common/base/portable_math.h"
#include "common/data/data_spec.h"
#include "common/data/partition.h"
#include "sim/client_images.h"

namespace fedgap {
namespace {

constexpr std::string_view kVirtual = "virtual";

// Where `u` in [0, 1) falls in the cumulative `ends`.
std::size_t Pick(std::span<const double> ends, double u) {
  const auto found = std::ranges::upper_bound(ends, u * ends.back());
  return std::min(static_cast<std::size_t>(found - ends.begin()),
                  ends.size() - 1);
}

}  // namespace

StatusOr<std::unique_ptr<DrawnPopulation>> DrawnPopulation::Create(
    const SimulationConfig& config, const SharedForm& form) {
  if (config.data.empty()) {
    return absl::InvalidArgumentError(
        "simulation.data is empty: give fashion-mnist, idx:DIR, folder:DIR or "
        "synthetic:SEED,N");
  }
  FEDGAP_ASSIGN_OR_RETURN(const DataSpec spec, ParseDataSpec(config.data));
  LoadOptions options;
  options.channels = form.channels;
  options.class_names = form.class_names;
  FEDGAP_ASSIGN_OR_RETURN(LoadedData loaded, LoadData(spec, options));
  std::unique_ptr<DrawnPopulation> population(
      new DrawnPopulation(config, std::move(loaded.data)));
  FEDGAP_RETURN_IF_ERROR(population->Settle());
  FEDGAP_RETURN_IF_ERROR(population->CheckSizes(form));
  return population;
}

DrawnPopulation::DrawnPopulation(const SimulationConfig& config,
                                 std::shared_ptr<const ImageDataset> data)
    : config_(config),
      data_(std::move(data)),
      count_(static_cast<std::size_t>(config.population)),
      digits_(static_cast<int>(std::to_string(count_ - 1).size())) {}

Status DrawnPopulation::Settle() {
  auto resolutions = ResolutionDistribution::Parse(
      config_.one_size.empty() ? config_.resolutions : config_.one_size);
  if (!resolutions.ok()) {
    return Annotate(resolutions.status(), "simulation.resolutions");
  }
  resolutions_ = *std::move(resolutions);
  if (config_.size_class_correlation > 0 && resolutions_.is_native()) {
    return absl::InvalidArgumentError(
        "simulation.size_class_correlation needs simulation.resolutions");
  }
  if (!config_.resize.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(resize_, ParseImageSize(config_.resize));
  }
  std::int64_t pixels = 0;
  for (std::int64_t i = 0; i < data_->size(); ++i) {
    pixels += data_->image_size(i).pixels();
  }
  mean_pixels_ =
      static_cast<double>(pixels) / static_cast<double>(data_->size());
  return SettlePartition();
}

Status DrawnPopulation::CheckSizes(const SharedForm& form) const {
  if (resize_.has_value()) {
    return Annotate(form.CheckImage(*resize_), "simulation.resize");
  }
  for (const ImageSize size : resolutions_.sizes()) {
    const Status status = form.CheckImage(size);
    if (!status.ok()) return Annotate(status, "simulation.resolutions");
  }
  return absl::OkStatus();
}

Status DrawnPopulation::SettlePartition() {
  const std::string_view partition = config_.partition;
  if (!partition.starts_with(kVirtual)) {
    if (config_.samples_by_pixels != 0) {
      return absl::InvalidArgumentError(
          "simulation.samples_by_pixels needs partition virtual");
    }
    FEDGAP_ASSIGN_OR_RETURN(const PartitionSpec spec,
                            ParsePartitionSpec(partition));
    auto parts =
        PartitionByTrack(*data_, static_cast<int>(count_), spec, config_.seed);
    if (!parts.ok()) {
      return Annotate(parts.status(),
                      "simulation.partition (virtual draws with replacement)");
    }
    parts_ = *std::move(parts);
    return absl::OkStatus();
  }
  if (config_.samples_by_pixels != 0 && resolutions_.is_native()) {
    return absl::InvalidArgumentError(
        "simulation.samples_by_pixels needs simulation.resolutions");
  }
  if (partition == kVirtual) return absl::OkStatus();
  const auto alpha = ParseNumber<double>(
      partition.substr(std::min(kVirtual.size() + 1, partition.size())));
  if (partition[kVirtual.size()] != ':' || !alpha.has_value() ||
      !std::isfinite(*alpha) || *alpha <= 0) {
    return absl::InvalidArgumentError(fmt::format(
        "simulation.partition '{}': must be virtual, or virtual:ALPHA with "
        "ALPHA above 0",
        partition));
  }
  alpha_ = *alpha;
  by_class_.resize(data_->class_names().size());
  for (std::int64_t i = 0; i < data_->size(); ++i) {
    by_class_[static_cast<std::size_t>(data_->label(i))].push_back(
        static_cast<std::uint32_t>(i));
  }
  std::erase_if(by_class_, [](const auto& members) { return members.empty(); });
  return absl::OkStatus();
}

CounterRng DrawnPopulation::RngOf(std::size_t i, RngPurpose purpose) const {
  return CounterRng(config_.seed, purpose, NameOf(i).value);
}

ClientName DrawnPopulation::NameOf(std::size_t i) const {
  return {fmt::format("client-{:0{}}", i, digits_)};
}

ImageSize DrawnPopulation::SizeOf(std::size_t i) const {
  return resolutions_.At(RngOf(i, RngPurpose::kResolution).Uniform());
}

std::size_t DrawnPopulation::VirtualCount(std::size_t i) const {
  const auto count = static_cast<double>(config_.samples_per_client);
  if (config_.samples_by_pixels == 0) return static_cast<std::size_t>(count);
  const double p =
      static_cast<double>(SizeOf(i).pixels()) / resolutions_.MeanPixels();
  const double scaled = count * PortablePow(p, config_.samples_by_pixels);
  return static_cast<std::size_t>(std::max(1.0, std::floor(scaled + 0.5)));
}

std::int64_t DrawnPopulation::SampleCountOf(std::size_t i) const {
  return static_cast<std::int64_t>(parts_.empty() ? VirtualCount(i)
                                                  : parts_[i].size());
}

std::int64_t DrawnPopulation::PixelsOf(std::size_t i) const {
  double pixels = mean_pixels_;
  if (!resolutions_.is_native()) {
    pixels = static_cast<double>(SizeOf(i).pixels());
  }
  if (resize_.has_value()) pixels = static_cast<double>(resize_->pixels());
  return static_cast<std::int64_t>(pixels *
                                   static_cast<double>(SampleCountOf(i)));
}

std::vector<std::uint32_t> DrawnPopulation::DrawSamples(std::size_t i) const {
  CounterRng rng = RngOf(i, RngPurpose::kVirtualSamples);
  std::vector<std::uint32_t> samples(VirtualCount(i));
  if (by_class_.empty()) {
    const auto all = static_cast<std::uint64_t>(data_->size());
    for (std::uint32_t& sample : samples) {
      sample = static_cast<std::uint32_t>(rng.Below(all));
    }
    return samples;
  }
  // Gamma draws over their sum are Dirichlet(alpha).
  std::vector<double> ends;
  double sum = 0;
  for (std::size_t c = 0; c < by_class_.size(); ++c) {
    sum += rng.Gamma(alpha_);
    ends.push_back(sum);
  }
  for (std::uint32_t& sample : samples) {
    const auto& members = by_class_[Pick(ends, rng.Uniform())];
    sample = members[rng.Below(members.size())];
  }
  return samples;
}

std::vector<std::uint32_t> DrawnPopulation::SamplesOf(std::size_t i) const {
  return parts_.empty() ? DrawSamples(i) : parts_[i];
}

std::vector<Population::Origin> DrawnPopulation::OriginsOf(
    std::size_t i) const {
  std::vector<Origin> origins;
  for (const std::uint32_t index : SamplesOf(i)) origins.push_back({0, index});
  return origins;
}

std::vector<ImageSize> DrawnPopulation::SizesOf(
    std::size_t i, std::span<const std::uint32_t> samples) const {
  if (resolutions_.is_native()) return {};
  CounterRng rng = RngOf(i, RngPurpose::kResolution);
  const ImageSize own = resolutions_.At(rng.Uniform());
  std::vector<ImageSize> sizes(samples.size(), own);
  if (config_.size_class_correlation == 0) return sizes;
  const std::vector<ImageSize>& all = resolutions_.sizes();
  for (std::size_t k = 0; k < samples.size(); ++k) {
    if (rng.Uniform() >= config_.size_class_correlation) continue;
    sizes[k] =
        all[static_cast<std::size_t>(data_->label(samples[k])) % all.size()];
  }
  return sizes;
}

StatusOr<std::shared_ptr<const DataSource>> DrawnPopulation::DataOf(
    std::size_t i) const {
  std::vector<std::uint32_t> samples = SamplesOf(i);
  const std::vector<ImageSize> sizes = SizesOf(i, samples);
  return ClientImages(data_, std::move(samples), sizes, resize_);
}

std::string DrawnPopulation::Describe() const {
  return fmt::format("{} clients over {} ({}), sizes {}", count_, config_.data,
                     config_.partition,
                     resolutions_.is_native() ? "native" : config_.resolutions);
}

}  // namespace fedgap
