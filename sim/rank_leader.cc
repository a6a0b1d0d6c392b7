#include "sim/rank_leader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/federation/metrics.h"

namespace fedgap {

std::vector<std::vector<std::size_t>> ShareOut(
    const Population& population, const std::vector<std::size_t>& clients,
    int parts) {
  // The largest first, each to who has the least (Graham, 1969).
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  order.reserve(clients.size());
  for (const std::size_t client : clients) {
    order.emplace_back(-population.PixelsOf(client), client);
  }
  std::ranges::sort(order);
  std::vector<std::vector<std::size_t>> shares(static_cast<std::size_t>(parts));
  std::vector<std::int64_t> load(shares.size(), 0);
  for (const auto& [pixels, client] : order) {
    const auto least = static_cast<std::size_t>(
        std::distance(load.begin(), std::ranges::min_element(load)));
    load[least] -= pixels;
    shares[least].push_back(client);
  }
  return shares;
}

RankLeader::~RankLeader() {
  // There is nobody to tell of an error: the group is then gone.
  if (!alone()) Say({.kind = RankOrder::Kind::kFinish}).IgnoreError();
}

Status RankLeader::Say(const RankOrder& order) {
  return ranks_->Broadcast(ToBytes(order)).status();
}

StatusOr<RankLeader::Clients> RankLeader::HandOut(RankOrder order,
                                                  const Population& population,
                                                  const Clients& clients) {
  if (alone()) return clients;
  order.clients = ShareOut(population, clients, size());
  FEDGAP_RETURN_IF_ERROR(Say(order));
  return std::move(order.clients.front());
}

StatusOr<RankAnswer> RankLeader::Collect() {
  RankAnswer all;
  if (alone()) return all;
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<RankGroup::Bytes> answers,
                          ranks_->Gather({}));
  for (std::size_t rank = 1; rank < answers.size(); ++rank) {
    FEDGAP_ASSIGN_OR_RETURN(RankAnswer answer, RankAnswerFrom(answers[rank]));
    if (!answer.status.ok() && all.status.ok()) {
      all.status = Annotate(answer.status, fmt::format("rank {}", rank));
    }
    all.interrupted |= answer.interrupted;
    std::ranges::move(answer.updates, std::back_inserter(all.updates));
    all.metrics = SumByGroup({&all.metrics, &answer.metrics});
  }
  return all;
}

Status RankLeader::AskForSums() {
  return Say({.kind = RankOrder::Kind::kReduce});
}

Status RankLeader::Drop() {
  return alone() ? absl::OkStatus() : Say({.kind = RankOrder::Kind::kDrop});
}

}  // namespace fedgap
