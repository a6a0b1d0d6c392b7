#include "sim/roster.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <utility>

#include "common/base/did_you_mean.h"
#include "common/base/parse_number.h"
#include "common/data/partition.h"
#include "sim/client_images.h"

namespace fedgap {
namespace {

const std::array<std::string, 5> kKeys = {"data", "part", "partition", "seed",
                                          "resolution"};

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == text.npos) return words;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Status CheckName(const std::string& name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (!name.empty() && name.size() <= 64 &&
      name.find_first_not_of(kAllowed) == name.npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("name '{}': must be 1 to 64 of a-z A-Z 0-9 . _ -", name));
}

// The values of an entry before they are put together.
struct Fields {
  std::string data;
  std::string part;
  std::string partition;
  std::uint64_t seed = 0;
  std::optional<ImageSize> resolution;
};

Status SetField(const std::string& word, Fields& fields) {
  const std::size_t equals = word.find('=');
  const std::string key = word.substr(0, equals);
  const std::string value = equals == word.npos ? "" : word.substr(equals + 1);
  if (std::ranges::find(kKeys, key) == kKeys.end()) {
    return absl::InvalidArgumentError(
        fmt::format("unknown '{}'{}; known: {}=", key, DidYouMean(key, kKeys),
                    fmt::join(kKeys, "=, ")));
  }
  if (value.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}= needs a value", key));
  }
  if (key == "data") fields.data = value;
  if (key == "part") fields.part = value;
  if (key == "partition") fields.partition = value;
  if (key == "resolution") {
    FEDGAP_ASSIGN_OR_RETURN(fields.resolution, ParseImageSize(value));
  }
  if (key == "seed") {
    const auto seed = ParseNumber<std::uint64_t>(value);
    if (!seed.has_value()) {
      return absl::InvalidArgumentError(
          fmt::format("seed={}: must be a whole number", value));
    }
    fields.seed = *seed;
  }
  return absl::OkStatus();
}

StatusOr<RosterEntry> ParseWords(const std::vector<std::string>& words,
                                 const SimulationConfig& config) {
  if (words.empty()) return absl::InvalidArgumentError("no name");
  FEDGAP_RETURN_IF_ERROR(CheckName(words[0]));
  Fields fields{.data = config.data,
                .part = "",
                .partition = config.partition,
                .seed = config.seed,
                .resolution = {}};
  for (std::size_t i = 1; i < words.size(); ++i) {
    FEDGAP_RETURN_IF_ERROR(SetField(words[i], fields));
  }
  if (fields.data.empty()) {
    return absl::InvalidArgumentError(
        "no data: give simulation.data, or data= here");
  }
  if (!config.one_size.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(fields.resolution, ParseImageSize(config.one_size));
  }
  RosterEntry entry{{words[0]}, fields.data, {}, fields.resolution};
  if (fields.part.empty()) return entry;
  FEDGAP_ASSIGN_OR_RETURN(DataPart part, ParseDataPart(fields.part));
  FEDGAP_ASSIGN_OR_RETURN(part.partition, ParsePartitionSpec(fields.partition));
  part.seed = fields.seed;
  entry.part = part;
  return entry;
}

// Sets and their partitions, each made once for the clients that share it.
class SharedSets {
 public:
  explicit SharedSets(const SharedForm& form) : form_(form) {}

  StatusOr<std::shared_ptr<const ImageDataset>> Load(const std::string& data) {
    auto& loaded = sets_[data];
    if (loaded != nullptr) return loaded;
    FEDGAP_ASSIGN_OR_RETURN(const DataSpec spec, ParseDataSpec(data));
    LoadOptions options;
    options.channels = form_.channels;
    options.class_names = form_.class_names;
    FEDGAP_ASSIGN_OR_RETURN(LoadedData read, LoadData(spec, options));
    loaded = std::move(read.data);
    return loaded;
  }

  // Tells the sets apart.
  std::uint32_t NumberOf(const std::string& data) {
    const auto next = static_cast<std::uint32_t>(numbers_.size());
    return numbers_.try_emplace(data, next).first->second;
  }

  StatusOr<std::vector<std::uint32_t>> Part(
      const std::string& data, const ImageDataset& set,
      const std::optional<DataPart>& part) {
    if (!part.has_value()) {
      std::vector<std::uint32_t> all(static_cast<std::size_t>(set.size()));
      std::iota(all.begin(), all.end(), 0u);
      return all;
    }
    auto& parts =
        parts_[fmt::format("{} {} {} {}", data, ToString(part->partition),
                           part->count, part->seed)];
    if (parts.empty()) {
      FEDGAP_ASSIGN_OR_RETURN(
          parts,
          PartitionByTrack(set, part->count, part->partition, part->seed));
    }
    return parts[static_cast<std::size_t>(part->index)];
  }

 private:
  const SharedForm& form_;
  std::map<std::string, std::shared_ptr<const ImageDataset>> sets_;
  std::map<std::string, std::uint32_t> numbers_;
  std::map<std::string, std::vector<std::vector<std::uint32_t>>> parts_;
};

struct ClientData {
  std::shared_ptr<const DataSource> images;
  std::vector<Population::Origin> origins;
};

StatusOr<ClientData> MakeData(const RosterEntry& entry,
                              std::optional<ImageSize> resize,
                              const SharedForm& form, SharedSets& sets) {
  const auto size = resize.has_value() ? resize : entry.resolution;
  if (size.has_value()) FEDGAP_RETURN_IF_ERROR(form.CheckImage(*size));
  FEDGAP_ASSIGN_OR_RETURN(const auto base, sets.Load(entry.data));
  FEDGAP_ASSIGN_OR_RETURN(std::vector<std::uint32_t> indices,
                          sets.Part(entry.data, *base, entry.part));
  std::vector<ImageSize> sizes;
  if (entry.resolution.has_value()) {
    sizes.assign(indices.size(), *entry.resolution);
  }
  ClientData data;
  const std::uint32_t set = sets.NumberOf(entry.data);
  for (const std::uint32_t index : indices) {
    data.origins.push_back({set, index});
  }
  FEDGAP_ASSIGN_OR_RETURN(
      data.images, ClientImages(base, std::move(indices), sizes, resize));
  return data;
}

}  // namespace

StatusOr<RosterEntry> ParseRosterEntry(std::string_view text,
                                       const SimulationConfig& config) {
  StatusOr<RosterEntry> entry = ParseWords(Words(text), config);
  if (entry.ok()) return entry;
  return Annotate(entry.status(),
                  fmt::format("simulation.clients: '{}'", text));
}

StatusOr<std::unique_ptr<RosterPopulation>> RosterPopulation::Create(
    const SimulationConfig& config, const SharedForm& form) {
  std::optional<ImageSize> resize;
  if (!config.resize.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(resize, ParseImageSize(config.resize));
  }
  SharedSets sets(form);
  std::vector<Client> clients;
  for (const std::string& text : config.clients) {
    FEDGAP_ASSIGN_OR_RETURN(const RosterEntry entry,
                            ParseRosterEntry(text, config));
    auto data = MakeData(entry, resize, form, sets);
    if (!data.ok()) return Annotate(data.status(), entry.name.value);
    Client client{entry.name, std::move(data->images), std::move(data->origins),
                  0};
    for (std::int64_t i = 0; i < client.data->size(); ++i) {
      client.pixels += client.data->image_size(i).pixels();
    }
    clients.push_back(std::move(client));
  }
  std::ranges::sort(clients, {}, &Client::name);
  const auto twin = std::ranges::adjacent_find(clients, {}, &Client::name);
  if (twin != clients.end()) {
    return absl::InvalidArgumentError(fmt::format(
        "simulation.clients: the name '{}' comes twice", twin->name.value));
  }
  return std::unique_ptr<RosterPopulation>(
      new RosterPopulation(std::move(clients)));
}

std::vector<std::shared_ptr<const DataSource>> RosterPopulation::Sources()
    const {
  std::vector<std::shared_ptr<const DataSource>> sources;
  for (const Client& client : clients_) sources.push_back(client.data);
  return sources;
}

std::string RosterPopulation::Describe() const {
  return fmt::format("a roster of {} clients", clients_.size());
}

}  // namespace fedgap
