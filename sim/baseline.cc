#include "sim/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/base/did_you_mean.h"
#include "sim/roster.h"

namespace fedgap {
namespace {

const std::array<std::string, 4> kNames = {"resize", "ceiling", "local",
                                           "central"};
constexpr std::size_t kMostCentralClients = 100'000;

// Several clients' images as those of one, in the order of the clients.
class JoinedSource final : public DataSource {
 public:
  explicit JoinedSource(std::vector<std::shared_ptr<const DataSource>> parts)
      : parts_(std::move(parts)) {
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
  for (std::size_t i = 0; i < population->size(); ++i) {
    FEDGAP_ASSIGN_OR_RETURN(parts.emplace_back(), population->DataOf(i));
  }
  return std::make_unique<SingleClient>(
      ClientName{"central"}, std::make_shared<JoinedSource>(std::move(parts)));
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
