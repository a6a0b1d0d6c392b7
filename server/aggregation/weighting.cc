#include "server/aggregation/weighting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "common/base/check.h"

namespace fedgap {
namespace {

std::int64_t SamplesOf(std::span<const GroupCounts> counts) {
  std::int64_t sum = 0;
  for (const GroupCounts& count : counts) sum += count.samples;
  return sum;
}

std::int64_t PixelsOf(std::span<const GroupCounts> counts) {
  std::int64_t sum = 0;
  for (const GroupCounts& count : counts) sum += count.pixels;
  return sum;
}

// rint(2^20 n_ig / n_i) for each group.
std::vector<BinWeight> GroupWeights(std::span<const GroupCounts> counts) {
  const double samples = static_cast<double>(SamplesOf(counts));
  std::vector<BinWeight> weights;
  for (const GroupCounts& count : counts) {
    const double share = static_cast<double>(count.samples) / samples;
    const auto weight = static_cast<std::int64_t>(
        std::rint(share * static_cast<double>(kWeightOne)));
    if (weight > 0) weights.push_back({count.group, weight});
  }
  return weights;
}

std::vector<double> GroupShares(std::span<const ClientCounts> clients) {
  std::map<int, double> sums;
  for (const ClientCounts& client : clients) {
    for (const BinWeight& part : GroupWeights(client.counts)) {
      sums[part.bin] += static_cast<double>(part.weight);
    }
  }
  std::vector<double> shares;
  for (const ClientCounts& client : clients) {
    double share = 0;
    for (const BinWeight& part : GroupWeights(client.counts)) {
      share += static_cast<double>(part.weight) / sums[part.bin];
    }
    shares.push_back(share / static_cast<double>(sums.size()));
  }
  return shares;
}

double RawWeight(Weighting weighting, const ClientCounts& client) {
  switch (weighting) {
    case Weighting::kSamples:
      return static_cast<double>(SamplesOf(client.counts));
    case Weighting::kPixels:
      return static_cast<double>(PixelsOf(client.counts));
    case Weighting::kClient:
    case Weighting::kGroup:
      break;
  }
  return 1.0;
}

}  // namespace

int BinCount(Weighting weighting) {
  return weighting == Weighting::kGroup ? ResolutionGroups::kMaxGroups : 1;
}

std::int64_t MaxWeight(Weighting weighting,
                       const ValidationConfig& validation) {
  std::int64_t product = 0;
  switch (weighting) {
    case Weighting::kClient:
      return 1;
    case Weighting::kGroup:
      return kWeightOne;
    case Weighting::kSamples:
      return validation.max_samples;
    case Weighting::kPixels:
      break;
  }
  const bool overflow = __builtin_mul_overflow(validation.max_samples,
                                               validation.max_pixels, &product);
  return overflow ? std::numeric_limits<std::int64_t>::max() : product;
}

Status CheckCounts(std::span<const GroupCounts> counts,
                   const ValidationConfig& validation) {
  if (counts.empty()) {
    return absl::InvalidArgumentError("the update counts no samples");
  }
  int last = -1;
  std::int64_t left = validation.max_samples;
  std::int64_t pixels = 0;
  for (const GroupCounts& count : counts) {
    if (count.group <= last || count.group >= ResolutionGroups::kMaxGroups) {
      return absl::InvalidArgumentError(fmt::format(
          "sample counts are not ascending by resolution group: {} after {}",
          count.group, last));
    }
    last = count.group;
    if (count.samples < 1 || count.samples > left) {
      return absl::InvalidArgumentError(fmt::format(
          "{} samples in resolution group {} are not in [1, {}] "
          "(validation.max_samples = {} for a client's whole data)",
          count.samples, count.group, left, validation.max_samples));
    }
    left -= count.samples;
    // count.pixels / count.samples, rounded up, without overflow.
    const std::int64_t average =
        count.pixels / count.samples + (count.pixels % count.samples > 0);
    if (count.pixels < count.samples || average > validation.max_pixels) {
      return absl::InvalidArgumentError(fmt::format(
          "{} pixels for {} samples in resolution group {}: an image has from "
          "1 to {} pixels (validation.max_pixels)",
          count.pixels, count.samples, count.group, validation.max_pixels));
    }
    if (__builtin_add_overflow(pixels, count.pixels, &pixels)) {
      return absl::InvalidArgumentError(
          "the update counts more pixels than 64 bits hold");
    }
  }
  return absl::OkStatus();
}

StatusOr<std::vector<BinWeight>> WeightsOf(Weighting weighting,
                                           std::span<const GroupCounts> counts,
                                           const ValidationConfig& validation) {
  FEDGAP_RETURN_IF_ERROR(CheckCounts(counts, validation));
  switch (weighting) {
    case Weighting::kClient:
      return std::vector<BinWeight>{{0, 1}};
    case Weighting::kGroup:
      return GroupWeights(counts);
    case Weighting::kSamples:
      return std::vector<BinWeight>{{0, SamplesOf(counts)}};
    case Weighting::kPixels:
      break;
  }
  return std::vector<BinWeight>{{0, PixelsOf(counts)}};
}

std::vector<double> ClientShares(Weighting weighting,
                                 std::span<const ClientCounts> clients) {
  if (weighting == Weighting::kGroup) return GroupShares(clients);
  std::vector<double> shares;
  double sum = 0;
  for (const ClientCounts& client : clients) {
    shares.push_back(RawWeight(weighting, client));
    sum += shares.back();
  }
  for (double& share : shares) share /= sum;
  return shares;
}

Influence InfluenceOf(Weighting weighting, std::vector<ClientCounts> clients) {
  std::ranges::sort(clients, {}, &ClientCounts::client);
  const std::vector<double> shares = ClientShares(weighting, clients);
  const std::vector<double> pixel_shares =
      ClientShares(Weighting::kPixels, clients);
  Influence influence;
  std::map<int, GroupInfluence> groups;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    influence.clients.push_back({clients[i].client, shares[i]});
    const double samples = static_cast<double>(SamplesOf(clients[i].counts));
    for (const GroupCounts& count : clients[i].counts) {
      GroupInfluence& group = groups[count.group];
      const double part = static_cast<double>(count.samples) / samples;
      group.group = count.group;
      group.influence += shares[i] * part;
      group.pixel_influence += pixel_shares[i] * part;
      ++group.clients;
      group.samples += count.samples;
      // Clients can claim more together than 64 bits hold.
      if (__builtin_add_overflow(group.pixels, count.pixels, &group.pixels)) {
        group.pixels = std::numeric_limits<std::int64_t>::max();
      }
    }
  }
  for (const auto& [number, group] : groups) influence.groups.push_back(group);
  return influence;
}

}  // namespace fedgap
