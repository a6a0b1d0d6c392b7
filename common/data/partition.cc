#include "common/data/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/check.h"
#include "common/base/counter_rng.h"
#include "common/data/track_groups.h"

namespace fedgap {
namespace {

using Parts = std::vector<std::vector<std::uint32_t>>;

constexpr int kMaxDraws = 10000;

std::size_t Index(int i) { return static_cast<std::size_t>(i); }

// The samples of each class, shuffled.
Parts ShuffledClasses(std::span<const std::int32_t> labels, int classes,
                      CounterRng& rng) {
  Parts members(Index(classes));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    FEDGAP_CHECK(labels[i] >= 0 && labels[i] < classes);
    members[Index(labels[i])].push_back(static_cast<std::uint32_t>(i));
  }
  for (std::vector<std::uint32_t>& member : members) {
    rng.Shuffle(std::span(member));
  }
  return members;
}

std::vector<std::uint32_t> ShuffledSamples(std::size_t count, CounterRng& rng) {
  std::vector<std::uint32_t> samples(count);
  std::iota(samples.begin(), samples.end(), 0u);
  rng.Shuffle(std::span(samples));
  return samples;
}

// The first n mod k of k nearly equal parts of n are one larger.
std::size_t EqualPartBegin(std::size_t n, std::size_t k, std::size_t part) {
  return part * (n / k) + std::min(part, n % k);
}

// Gamma draws; divided by their sum they are Dirichlet(alpha).
std::vector<double> GammaDraws(int clients, double alpha, CounterRng& rng) {
  std::vector<double> draws(Index(clients));
  for (double& draw : draws) draw = rng.Gamma(alpha);
  return draws;
}

// Where each client's run of `count` items ends when they are cut in the given
// proportions; empty if the proportions sum to nothing. The last end is
// `count`.
std::vector<std::size_t> CutEnds(std::span<const double> proportions,
                                 std::size_t count) {
  double sum = 0;
  for (const double p : proportions) sum += p;
  if (!(sum > 0)) return {};
  std::vector<std::size_t> ends(proportions.size());
  double running = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    running += proportions[i];
    ends[i] = std::min(count, static_cast<std::size_t>(
                                  running / sum * static_cast<double>(count)));
  }
  ends.back() = count;
  return ends;
}

bool AllHold(std::span<const std::size_t> sizes, int min_samples) {
  return std::all_of(sizes.begin(), sizes.end(), [&](std::size_t size) {
    return size >= Index(min_samples);
  });
}

Status NoDraw(const PartitionSpec& spec, int clients) {
  return absl::InvalidArgumentError(fmt::format(
      "partition {}: none of {} draws gave each of {} clients {} samples; use "
      "fewer clients, a larger alpha or a smaller min=",
      ToString(spec), kMaxDraws, clients, spec.min_samples));
}

StatusOr<Parts> Iid(std::size_t samples, int clients, CounterRng& rng) {
  const std::vector<std::uint32_t> order = ShuffledSamples(samples, rng);
  Parts parts(Index(clients));
  for (std::size_t c = 0; c < parts.size(); ++c) {
    const std::size_t begin = EqualPartBegin(samples, parts.size(), c);
    const std::size_t end = EqualPartBegin(samples, parts.size(), c + 1);
    parts[c].assign(order.begin() + static_cast<std::ptrdiff_t>(begin),
                    order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return parts;
}

// One draw: where the cuts of each class fall. Empty if a class fell to nobody.
std::vector<std::vector<std::size_t>> DrawClassCuts(
    const Parts& members, std::size_t samples, int clients, double alpha,
    CounterRng& rng, std::vector<std::size_t>& sizes) {
  const double fair_share =
      static_cast<double>(samples) / static_cast<double>(clients);
  sizes.assign(Index(clients), 0);
  std::vector<std::vector<std::size_t>> cuts;
  for (const std::vector<std::uint32_t>& member : members) {
    std::vector<double> proportions = GammaDraws(clients, alpha, rng);
    for (std::size_t c = 0; c < proportions.size(); ++c) {
      if (static_cast<double>(sizes[c]) >= fair_share) proportions[c] = 0;
    }
    cuts.push_back(CutEnds(proportions, member.size()));
    if (cuts.back().empty()) return {};
    for (std::size_t c = 0, begin = 0; c < sizes.size(); ++c) {
      sizes[c] += cuts.back()[c] - begin;
      begin = cuts.back()[c];
    }
  }
  return cuts;
}

StatusOr<Parts> Dirichlet(std::span<const std::int32_t> labels, int classes,
                          int clients, const PartitionSpec& spec,
                          CounterRng& rng) {
  Parts members = ShuffledClasses(labels, classes, rng);
  std::erase_if(members, [](const auto& member) { return member.empty(); });
  std::vector<std::size_t> sizes;
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    const auto cuts =
        DrawClassCuts(members, labels.size(), clients, spec.alpha, rng, sizes);
    if (cuts.empty() || !AllHold(sizes, spec.min_samples)) continue;
    Parts parts(Index(clients));
    for (std::size_t k = 0; k < members.size(); ++k) {
      for (std::size_t c = 0, i = 0; c < parts.size(); ++c) {
        for (; i < cuts[k][c]; ++i) parts[c].push_back(members[k][i]);
      }
    }
    return parts;
  }
  return NoDraw(spec, clients);
}

StatusOr<Parts> Quantity(std::size_t samples, int clients,
                         const PartitionSpec& spec, CounterRng& rng) {
  const std::vector<std::uint32_t> order = ShuffledSamples(samples, rng);
  std::vector<std::size_t> sizes(Index(clients));
  for (int draw = 0; draw < kMaxDraws; ++draw) {
    const std::vector<std::size_t> ends =
        CutEnds(GammaDraws(clients, spec.alpha, rng), samples);
    if (ends.empty()) continue;
    std::adjacent_difference(ends.begin(), ends.end(), sizes.begin());
    if (!AllHold(sizes, spec.min_samples)) continue;
    Parts parts(Index(clients));
    for (std::size_t c = 0, i = 0; c < parts.size(); ++c) {
      for (; i < ends[c]; ++i) parts[c].push_back(order[i]);
    }
    return parts;
  }
  return NoDraw(spec, clients);
}

// Which clients hold each of `classes` classes, `per_client` a client. The
// slots are filled so that client i begins with class i mod K, and that with
// fewer clients than classes no class is left out.
std::vector<std::vector<int>> DrawHolders(int classes, int clients,
                                          int per_client, CounterRng& rng) {
  std::vector<std::vector<int>> holders(Index(classes));
  for (int client = 0; client < clients; ++client) {
    std::vector<bool> held(Index(classes), false);
    for (int slot = 0; slot < per_client; ++slot) {
      int chosen = slot * clients + client;
      if (slot == 0) chosen %= classes;
      while (chosen >= classes || held[Index(chosen)]) {
        chosen = static_cast<int>(rng.Below(Index(classes)));
      }
      held[Index(chosen)] = true;
      holders[Index(chosen)].push_back(client);
    }
  }
  return holders;
}

StatusOr<Parts> ByClasses(std::span<const std::int32_t> labels, int classes,
                          int clients, const PartitionSpec& spec,
                          CounterRng& rng) {
  Parts members = ShuffledClasses(labels, classes, rng);
  std::erase_if(members, [](const auto& member) { return member.empty(); });
  const int present = static_cast<int>(members.size());
  const int per_client = spec.classes_per_client;
  if (per_client > present) {
    return absl::InvalidArgumentError(
        fmt::format("partition classes:{}: the data has samples of {} classes "
                    "only",
                    per_client, present));
  }
  if (std::int64_t{per_client} * clients < present) {
    return absl::InvalidArgumentError(fmt::format(
        "partition classes:{}: {} clients would hold {} of {} classes, and the "
        "samples of the others would be lost; use more clients or classes:{}",
        per_client, clients, per_client * clients, present,
        (present + clients - 1) / clients));
  }
  const auto holders = DrawHolders(present, clients, per_client, rng);
  Parts parts(Index(clients));
  for (std::size_t k = 0; k < members.size(); ++k) {
    for (std::size_t h = 0; h < holders[k].size(); ++h) {
      const std::size_t shares = holders[k].size();
      std::size_t i = EqualPartBegin(members[k].size(), shares, h);
      const std::size_t end = EqualPartBegin(members[k].size(), shares, h + 1);
      std::vector<std::uint32_t>& part = parts[Index(holders[k][h])];
      for (; i < end; ++i) part.push_back(members[k][i]);
    }
  }
  return parts;
}

StatusOr<Parts> Draw(std::span<const std::int32_t> labels, int classes,
                     int clients, const PartitionSpec& spec, CounterRng& rng) {
  switch (spec.kind) {
    case PartitionSpec::Kind::kIid:
      return Iid(labels.size(), clients, rng);
    case PartitionSpec::Kind::kDirichlet:
      return Dirichlet(labels, classes, clients, spec, rng);
    case PartitionSpec::Kind::kClasses:
      return ByClasses(labels, classes, clients, spec, rng);
    case PartitionSpec::Kind::kQuantity:
      return Quantity(labels.size(), clients, spec, rng);
  }
  FEDGAP_CHECK(false);
}

bool IsDirichletKind(const PartitionSpec& spec) {
  return spec.kind == PartitionSpec::Kind::kDirichlet ||
         spec.kind == PartitionSpec::Kind::kQuantity;
}

// What must hold before anything is drawn.
Status CheckRoom(std::size_t samples, int clients, const PartitionSpec& spec) {
  if (samples < Index(clients)) {
    return absl::InvalidArgumentError(
        fmt::format("empty partition: client {} of {} would own nothing, there "
                    "are only {} samples",
                    samples, clients, samples));
  }
  if (IsDirichletKind(spec) &&
      samples / Index(clients) < Index(spec.min_samples)) {
    return absl::InvalidArgumentError(fmt::format(
        "partition {}: {} samples cannot give each of {} clients {}; use fewer "
        "clients or a smaller min=",
        ToString(spec), samples, clients, spec.min_samples));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<Parts> Partition(std::span<const std::int32_t> labels, int classes,
                          int clients, const PartitionSpec& spec,
                          std::uint64_t seed) {
  FEDGAP_CHECK(clients > 0 && classes > 0);
  FEDGAP_RETURN_IF_ERROR(CheckRoom(labels.size(), clients, spec));
  CounterRng rng(seed, RngPurpose::kPartition);
  FEDGAP_ASSIGN_OR_RETURN(Parts parts,
                          Draw(labels, classes, clients, spec, rng));
  for (std::size_t c = 0; c < parts.size(); ++c) {
    if (parts[c].empty()) {
      return absl::InvalidArgumentError(fmt::format(
          "empty partition: client {} of {} would own no sample under {}", c,
          clients, ToString(spec)));
    }
    std::sort(parts[c].begin(), parts[c].end());
  }
  return parts;
}

StatusOr<Parts> PartitionByTrack(const DataSource& data, int clients,
                                 const PartitionSpec& spec,
                                 std::uint64_t seed) {
  const std::vector<TrackGroup> groups = GroupByTrack(data);
  std::vector<std::int32_t> labels;
  labels.reserve(groups.size());
  for (const TrackGroup& group : groups) labels.push_back(group.label);
  FEDGAP_ASSIGN_OR_RETURN(
      Parts parts,
      Partition(labels, static_cast<int>(data.class_names().size()), clients,
                spec, seed));
  for (std::vector<std::uint32_t>& part : parts) {
    std::vector<std::uint32_t> samples;
    for (const std::uint32_t g : part) {
      samples.insert(samples.end(), groups[g].samples.begin(),
                     groups[g].samples.end());
    }
    std::sort(samples.begin(), samples.end());
    part = std::move(samples);
  }
  return parts;
}

}  // namespace fedgap
