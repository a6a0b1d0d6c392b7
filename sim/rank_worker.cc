#include "sim/rank_worker.h"

#include <utility>

#include "common/federation/model_id.h"
#include "common/tensor/span_math.h"
#include "server/aggregation/make_round_aggregator.h"

namespace fedgap {
namespace {

// Updates that are added in one pass.
constexpr std::size_t kUpdatesAPass = 4;

ClientPool::LocalTensorsOf LookUp(const std::map<ClientName, Parameters>& map) {
  return [&map](const ClientName& client) -> std::span<const float> {
    const auto found = map.find(client);
    if (found == map.end()) return {};
    return found->second;
  };
}

}  // namespace

RankWorker::RankWorker(int threads, Deps deps)
    : deps_(deps),
      rules_{deps.config.validation, deps.config.evaluation.local,
             deps.model.layout(), deps.model.classes(),
             deps.model.pooled_channels()},
      layout_hash_(LayoutHash(deps.model.layout())),
      clients_(threads, {deps.model, rules_, deps.clock, deps.population,
                         deps.interruption}),
      pool_(1) {}

Status RankWorker::Serve() {
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const RankGroup::Bytes bytes,
                            deps_.ranks.Broadcast({}));
    FEDGAP_ASSIGN_OR_RETURN(RankOrder order, RankOrderFrom(bytes));
    switch (order.kind) {
      case RankOrder::Kind::kTrain:
        FEDGAP_RETURN_IF_ERROR(Train(std::move(order)));
        break;
      case RankOrder::Kind::kEvaluate:
        FEDGAP_RETURN_IF_ERROR(Evaluate(std::move(order)));
        break;
      case RankOrder::Kind::kReduce: {
        MutexLock lock(mutex_);
        FEDGAP_RETURN_IF_ERROR(
            aggregator_->Reduce(deps_.ranks, /*is_root=*/false, {}));
        break;
      }
      case RankOrder::Kind::kDrop:
        break;
      case RankOrder::Kind::kFinish:
        return absl::OkStatus();
    }
  }
}

const std::vector<std::size_t>& RankWorker::ShareOf(
    const RankOrder& order) const {
  return order.clients[static_cast<std::size_t>(deps_.ranks.rank())];
}

// The change of the global model is what two models differ by, as at the root.
void RankWorker::FollowModel(RankOrder& order) {
  if (!order.last_delta.empty()) {
    last_delta_ = GlobalDelta(std::move(order.last_delta));
  } else if (order.round > 1 && model_ != nullptr) {
    Parameters change(order.model.size());
    Subtract(order.model, model_->federated(), change);
    last_delta_ = GlobalDelta(std::move(change));
  }
  const auto federated = std::ssize(order.model);
  model_ = std::make_shared<const ModelSnapshot>(
      layout_hash_, std::move(order.model), federated, pool_);
}

OpenRound::Plan RankWorker::PlanOf(RankOrder& order) const {
  OpenRound::Plan plan;
  plan.run = order.run;
  plan.round = order.round;
  plan.attempt = order.attempt;
  plan.base = model_;
  plan.started = deps_.clock.Now();
  for (const std::size_t client : ShareOf(order)) {
    plan.cohort.clients.push_back(deps_.population.NameOf(client));
  }
  return plan;
}

Status RankWorker::Train(RankOrder order) {
  FollowModel(order);
  OpenRound::Plan plan = PlanOf(order);
  PlanTraining(deps_.config, plan);
  plan.deadline.reset();
  const OpenRound round(std::move(plan));
  const LocalTensors local(order.local_tensors.begin(),
                           order.local_tensors.end());
  {
    MutexLock lock(mutex_);
    updates_.clear();
    added_ = 0;
    FEDGAP_ASSIGN_OR_RETURN(
        aggregator_,
        MakeRoundAggregator(deps_.config.aggregation, deps_.config.validation,
                            deps_.config.cohort,
                            std::ssize(model_->federated()), pool_));
  }
  const Status trained =
      clients_.Train(ShareOf(order), round, last_delta_, LookUp(local),
                     [this](TrainedUpdate update) { Take(std::move(update)); });
  return Answer(trained, {});
}

void RankWorker::Take(TrainedUpdate update) {
  MutexLock lock(mutex_);
  updates_.push_back(std::move(update));
  if (updates_.size() - added_ >= kUpdatesAPass) AddUp();
}

// An update that cannot be added is a refused one, as at the root.
void RankWorker::AddUp() {
  if (aggregator_->streams()) {
    std::vector<Contribution> pass;
    std::vector<TrainedUpdate*> of_pass;
    for (std::size_t i = added_; i < updates_.size(); ++i) {
      TrainedUpdate& update = updates_[i];
      if (update.verdict.ok()) {
        pass.push_back({update.client, update.info, update.delta,
                        update.review.facts.scale});
        of_pass.push_back(&update);
      }
      update.delta.reset();
    }
    const bool together = aggregator_->Accumulate(pass).ok();
    for (std::size_t i = 0; i < pass.size() && !together; ++i) {
      of_pass[i]->verdict = aggregator_->Accumulate(std::span(&pass[i], 1));
    }
  }
  added_ = updates_.size();
}

Status RankWorker::Answer(const Status& status,
                          std::vector<GroupMetrics> metrics) {
  RankAnswer answer;
  answer.status = status;
  answer.interrupted = deps_.interruption.requested();
  answer.metrics = std::move(metrics);
  {
    MutexLock lock(mutex_);
    if (!updates_.empty()) AddUp();
    answer.updates = std::exchange(updates_, {});
    added_ = 0;
  }
  return deps_.ranks.Gather(ToBytes(answer)).status();
}

Status RankWorker::Evaluate(RankOrder order) {
  FollowModel(order);
  OpenRound::Plan plan = PlanOf(order);
  PlanEvaluation(deps_.config, plan);
  const OpenRound round(std::move(plan));
  const LocalTensors local(order.local_tensors.begin(),
                           order.local_tensors.end());
  auto metrics = clients_.Evaluate(ShareOf(order), round, LookUp(local));
  if (!metrics.ok()) return Answer(metrics.status(), {});
  return Answer(absl::OkStatus(), *std::move(metrics));
}

}  // namespace fedgap
