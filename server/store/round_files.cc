#include "server/store/round_files.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

namespace fedgap {
namespace {

constexpr std::string_view kPrefix = "round-";
constexpr std::string_view kSuffix = ".safetensors";
constexpr std::string_view kOptimizer = "optimizer/";

Shape Vector(std::size_t size) { return {static_cast<std::int64_t>(size)}; }

// "client/g3/mean" in its parts.
struct PooledName {
  std::string client;
  int group = 0;
};
bool ParsePooledName(std::string_view name, std::string_view what,
                     PooledName& out) {
  if (!name.ends_with(what)) return false;
  name.remove_suffix(what.size());
  const auto slash = name.rfind("/g");
  if (slash == name.npos) return false;
  out.client = name.substr(0, slash);
  const char* end = name.data() + name.size();
  const auto [at, error] =
      std::from_chars(name.data() + slash + 2, end, out.group);
  return error == std::errc() && at == end && out.group >= 0;
}

// One group of one client, from the tensors that begin with `prefix`.
StatusOr<GroupPooledStatistics> ParseGroup(const SafetensorsFile& file,
                                           const std::string& prefix,
                                           int group) {
  GroupPooledStatistics statistics;
  statistics.group = group;
  FEDGAP_ASSIGN_OR_RETURN(const auto count, file.Int64(prefix + "count"));
  FEDGAP_ASSIGN_OR_RETURN(const auto mean, file.Float32(prefix + "mean"));
  FEDGAP_ASSIGN_OR_RETURN(const auto means,
                          file.Float32(prefix + "class_means"));
  FEDGAP_ASSIGN_OR_RETURN(statistics.class_counts,
                          file.Int64(prefix + "class_counts"));
  if (count.size() != 1) return absl::DataLossError(prefix + "count");
  if (means.size() != statistics.class_counts.size() * mean.size()) {
    return absl::DataLossError(prefix +
                               "class_means has another shape than the counts");
  }
  statistics.count = count[0];
  statistics.mean.assign(mean.begin(), mean.end());
  statistics.class_means.assign(means.begin(), means.end());
  return statistics;
}

}  // namespace

std::string RoundFileName(Round round) {
  return fmt::format("{}{:06}{}", kPrefix, round, kSuffix);
}

Round RoundOfFileName(const std::string& name) {
  std::string_view text = name;
  if (!text.starts_with(kPrefix) || !text.ends_with(kSuffix)) return -1;
  text.remove_prefix(kPrefix.size());
  text.remove_suffix(kSuffix.size());
  Round round = -1;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, round);
  return error == std::errc() && at == end ? round : -1;
}

SafetensorsWriter RoundStateWriter(const RoundCommit& commit) {
  SafetensorsWriter writer(
      {{"format", "fedgap-state-1"}, {"round", std::to_string(commit.round)}});
  for (const auto& [name, values] : commit.optimizer) {
    writer.Add(std::string(kOptimizer) + name, Vector(values.size()), values);
  }
  const Prototypes& prototypes = commit.prototypes;
  if (!prototypes.empty()) {
    writer.Add("prototypes/means", {prototypes.classes, prototypes.channels},
               prototypes.means);
    writer.AddOwned("prototypes/held", Vector(prototypes.held.size()),
                    {prototypes.held.begin(), prototypes.held.end()});
  }
  return writer;
}

StatusOr<RoundState> ParseRoundState(std::vector<std::uint8_t> bytes) {
  FEDGAP_ASSIGN_OR_RETURN(const auto file,
                          SafetensorsFile::Parse(std::move(bytes)));
  RoundState state;
  for (const auto& tensor : file.tensors()) {
    if (!tensor.name.starts_with(kOptimizer)) continue;
    FEDGAP_ASSIGN_OR_RETURN(
        state.optimizer[tensor.name.substr(kOptimizer.size())],
        file.Float32(tensor.name));
  }
  const auto* means = file.Find("prototypes/means");
  if (means == nullptr) return state;
  FEDGAP_ASSIGN_OR_RETURN(const auto values, file.Float32("prototypes/means"));
  FEDGAP_ASSIGN_OR_RETURN(const auto held, file.Int64("prototypes/held"));
  // An extent beyond int goes with no values: the other is 0.
  if (means->shape.rank() != 2 || means->shape[0] != std::ssize(held) ||
      means->shape[1] > std::numeric_limits<int>::max()) {
    return absl::DataLossError("prototypes/means has another shape than held");
  }
  state.prototypes.classes = static_cast<int>(means->shape[0]);
  state.prototypes.channels = static_cast<int>(means->shape[1]);
  state.prototypes.means.assign(values.begin(), values.end());
  for (const std::int64_t is_held : held) {
    state.prototypes.held.push_back(is_held != 0);
  }
  return state;
}

SafetensorsWriter PooledWriter(const std::vector<PooledRecord>& pooled,
                               Round round) {
  SafetensorsWriter writer(
      {{"format", "fedgap-pooled-1"}, {"round", std::to_string(round)}});
  for (const PooledRecord& record : pooled) {
    for (const GroupPooledStatistics& group : record.pooled.groups) {
      const std::string prefix =
          fmt::format("{}/g{}/", record.client.value, group.group);
      const auto classes = static_cast<std::int64_t>(group.class_counts.size());
      const auto channels = static_cast<std::int64_t>(group.mean.size());
      writer.Add(prefix + "count", {1}, std::span(&group.count, 1));
      writer.Add(prefix + "mean", {channels}, group.mean);
      writer.Add(prefix + "class_counts", {classes}, group.class_counts);
      writer.Add(prefix + "class_means", {classes, channels},
                 group.class_means);
    }
  }
  return writer;
}

StatusOr<std::vector<PooledRecord>> ParsePooled(
    std::vector<std::uint8_t> bytes) {
  FEDGAP_ASSIGN_OR_RETURN(const auto file,
                          SafetensorsFile::Parse(std::move(bytes)));
  std::vector<PooledRecord> pooled;
  for (const auto& tensor : file.tensors()) {
    PooledName name;
    if (!ParsePooledName(tensor.name, "/mean", name)) continue;
    if (pooled.empty() || pooled.back().client.value != name.client) {
      pooled.push_back({.client = {name.client}, .pooled = {}});
    }
    const std::string prefix = fmt::format("{}/g{}/", name.client, name.group);
    FEDGAP_ASSIGN_OR_RETURN(auto group, ParseGroup(file, prefix, name.group));
    pooled.back().pooled.groups.push_back(std::move(group));
  }
  return pooled;
}

}  // namespace fedgap
