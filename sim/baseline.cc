#include "sim/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/did_you_mean.h"
#include "sim/roster.h"

namespace fedgap {
namespace {

const std::array<std::string, 4> kNames = {"resize", "ceiling", "local",
                                           "central"};
constexpr std::size_t kMostCentralClients = 100'000;

// The tracks of all parts' samples: a set's tracks stay whole across the parts
// and apart from another set's, and copies of one image are a track.
std::vector<std::int32_t> JoinTracks(
    const std::vector<std::shared_ptr<const DataSource>>& parts,
    const std::vector<std::vector<Population::Origin>>& origins) {
  std::unordered_map<std::uint64_t, std::int32_t> known;
  std::vector<std::int32_t> tracks;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (std::size_t k = 0; k < origins[p].size(); ++k) {
      const auto [set, index] = origins[p][k];
      const std::int32_t track = parts[p]->track(static_cast<std::int64_t>(k));
      const bool alone = track == DataSource::kNoTrack;
      const std::uint64_t key =
          std::uint64_t{set} << 33 | std::uint64_t{alone} << 32 |
          (alone ? index : static_cast<std::uint32_t>(track));
      const auto next = static_cast<std::int32_t>(known.size());
      tracks.push_back(known.try_emplace(key, next).first->second);
    }
  }
  return tracks;
}

// Several clients' images as those of one, in the order of the clients.
class JoinedSource final : public DataSource {
 public:
  // Each part with the origins of its samples.
  JoinedSource(std::vector<std::shared_ptr<const DataSource>> parts,
               const std::vector<std::vector<Population::Origin>>& origins)
      : parts_(std::move(parts)), tracks_(JoinTracks(parts_, origins)) {
    for (const auto& part : parts_) {
      begins_.push_back(size_);
      size_ += part->size();
    }
  }

  std::int64_t size() const override { return size_; }
  int channels() const override { return parts_.front()->channels(); }
  const std::vector<std::string>& class_names() const override {
    return parts_.front()->class_names();
  }
  int label(std::int64_t i) const override {
    const Place place = Find(i);
    return place.part.label(place.index);
  }
  ImageSize image_size(std::int64_t i) const override {
    const Place place = Find(i);
    return place.part.image_size(place.index);
  }
  std::int32_t track(std::int64_t i) const override {
    return tracks_[static_cast<std::size_t>(i)];
  }
  void Read(std::int64_t i, const Normalization& normalization,
            std::span<float> out) const override {
    const Place place = Find(i);
    place.part.Read(place.index, normalization, out);
  }

 private:
  struct Place {
    const DataSource& part;
    std::int64_t index;
  };
  Place Find(std::int64_t i) const {
    const auto after = std::ranges::upper_bound(begins_, i);
    const auto p = static_cast<std::size_t>(after - begins_.begin()) - 1;
    return {*parts_[p], i - begins_[p]};
  }

  std::vector<std::shared_ptr<const DataSource>> parts_;
  std::vector<std::int32_t> tracks_;
  std::vector<std::int64_t> begins_;
  std::int64_t size_ = 0;
};

// One client in place of a population.
class SingleClient final : public Population {
 public:
  SingleClient(ClientName name, std::shared_ptr<const DataSource> data)
      : name_(std::move(name)), data_(std::move(data)) {
    for (std::int64_t i = 0; i < data_->size(); ++i) {
      pixels_ += data_->image_size(i).pixels();
    }
  }

  std::size_t size() const override { return 1; }
  ClientName NameOf(std::size_t) const override { return name_; }
  std::int64_t SampleCountOf(std::size_t) const override {
    return data_->size();
  }
  std::int64_t PixelsOf(std::size_t) const override { return pixels_; }
  StatusOr<std::shared_ptr<const DataSource>> DataOf(
      std::size_t) const override {
    return data_;
  }
  std::vector<Origin> OriginsOf(std::size_t) const override {
    std::vector<Origin> origins;
    for (std::int64_t k = 0; k < data_->size(); ++k) {
      origins.push_back({0, static_cast<std::uint32_t>(k)});
    }
    return origins;
  }
  std::vector<std::shared_ptr<const DataSource>> Sources() const override {
    return {data_};
  }
  bool is_roster() const override { return true; }
  std::string Describe() const override {
    return fmt::format("{} alone, {} images", name_.value, data_->size());
  }

 private:
  const ClientName name_;
  const std::shared_ptr<const DataSource> data_;
  std::int64_t pixels_ = 0;
};

StatusOr<SweepAxis> LocalAxis(const SimulationConfig& simulation) {
  SweepAxis axis{"simulation.only", {}};
  for (const std::string& text : simulation.clients) {
    FEDGAP_ASSIGN_OR_RETURN(const RosterEntry entry,
                            ParseRosterEntry(text, simulation));
    axis.values.push_back(entry.name.value);
  }
  if (!axis.values.empty()) return axis;
  return absl::InvalidArgumentError(
      "--baseline local: needs a roster (simulation.clients); of a population "
      "take single clients by --sweep simulation.only=client-07,client-12");
}

}  // namespace

StatusOr<SweepAxis> BaselineAxis(std::string_view text, const RunConfig& run,
                                 const SimulationConfig& simulation) {
  const std::size_t equals = text.find('=');
  const std::string name(text.substr(0, equals));
  if (name == "resize") {
    if (equals == text.npos) {
      return absl::InvalidArgumentError(
          "--baseline resize: needs a size, resize=28");
    }
    const std::string size(text.substr(equals + 1));
    FEDGAP_RETURN_IF_ERROR(ParseImageSize(size).status());
    return SweepAxis{"simulation.resize", {size}};
  }
  if (name == "ceiling") {
    SweepAxis axis{"simulation.one_size", {}};
    for (const ImageSize size : run.evaluation.sizes) {
      axis.values.push_back(size.ToString());
    }
    if (!axis.values.empty()) return axis;
    return absl::InvalidArgumentError(
        "--baseline ceiling: goes through evaluation.sizes, which is empty");
  }
  if (name == "local") return LocalAxis(simulation);
  if (name == "central") return SweepAxis{"simulation.central", {"true"}};
  return absl::InvalidArgumentError(
      fmt::format("--baseline {}: must be one of {}{}", text,
                  fmt::join(kNames, ", "), DidYouMean(name, kNames)));
}

StatusOr<std::unique_ptr<Population>> ApplyBaseline(
    const SimulationConfig& simulation,
    std::unique_ptr<Population> population) {
  if (!simulation.only.empty()) {
    for (std::size_t i = 0; i < population->size(); ++i) {
      if (population->NameOf(i).value != simulation.only) continue;
      FEDGAP_ASSIGN_OR_RETURN(auto data, population->DataOf(i));
      return std::make_unique<SingleClient>(population->NameOf(i),
                                            std::move(data));
    }
    return absl::NotFoundError(
        fmt::format("simulation.only = '{}': there is no client of that name",
                    simulation.only));
  }
  if (!simulation.central) return population;
  if (population->size() > kMostCentralClients) {
    return absl::ResourceExhaustedError(
        fmt::format("simulation.central: one client cannot hold what {} do",
                    population->size()));
  }
  std::vector<std::shared_ptr<const DataSource>> parts;
  std::vector<std::vector<Population::Origin>> origins;
  for (std::size_t i = 0; i < population->size(); ++i) {
    FEDGAP_ASSIGN_OR_RETURN(parts.emplace_back(), population->DataOf(i));
    origins.push_back(population->OriginsOf(i));
  }
  return std::make_unique<SingleClient>(
      ClientName{"central"},
      std::make_shared<JoinedSource>(std::move(parts), origins));
}

StatusOr<RunConfig> ApplyBaseline(const SimulationConfig& simulation,
                                  RunConfig run) {
  if (simulation.central || !simulation.only.empty()) {
    run.cohort.min_clients = 1;
    run.cohort.size = 0;
    run.cohort.fraction = 1;
  }
  if (!simulation.one_size.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(const ImageSize size,
                            ParseImageSize(simulation.one_size));
    run.evaluation.sizes = {size};
  }
  return run;
}

}  // namespace fedgap
