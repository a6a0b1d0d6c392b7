#include "sim/update_collection.h"

#include <string>
#include <utility>

#include "server/core/update_review.h"

namespace fedgap {
namespace {

// Updates that wait to be added in one pass.
constexpr std::size_t kUpdatesAPass = 4;

UpdateRejectedEvent DescribeRejection(Round round, const ClientName& client,
                                      const Status& status) {
  return {round, client, absl::StatusCodeToString(status.code()),
          MessageOf(status)};
}

}  // namespace

UpdateCollection::UpdateCollection(OpenRound::Plan plan, Deps deps)
    : deps_(deps), round_(std::move(plan)) {}

void UpdateCollection::Leave(const ClientName& client) {
  MutexLock lock(mutex_);
  round_.Leave(client);
}

void UpdateCollection::Take(TrainedUpdate update) {
  const ClientName client = update.client;
  if (update.verdict.ok()) {
    deps_.events.Emit(DescribeUpdate(client, update.info, update.review,
                                     update.arrived_seconds, update.bytes));
  } else {
    deps_.events.Emit(
        DescribeRejection(round_.round(), client, update.verdict));
  }
  MutexLock lock(mutex_);
  round_.BeginValidation(client, update.digest);
  if (!update.verdict.ok()) {
    round_.Reject(client);
    return;
  }
  round_.Accept(client);
  bytes_up_ += update.bytes;
  deps_.local_tensors.Propose(client, std::move(update.local));
  const bool is_here = update.delta != nullptr;
  const TaskId task = update.info.task;
  auto& queue = is_here ? waiting_ : elsewhere_;
  queue.push_back({{client, std::move(update.info), std::move(update.delta),
                    update.review.facts.scale},
                   task,
                   std::move(update.digest)});
  if (waiting_.size() >= kUpdatesAPass) AddWaiting();
}

void UpdateCollection::Flush() {
  MutexLock lock(mutex_);
  AddWaiting();
}

void UpdateCollection::AddWaiting() {
  const auto failures = deps_.progress.Accumulate(std::exchange(waiting_, {}));
  for (const auto& [client, status] : failures) {
    round_.Reject(client);
    deps_.events.Emit(DescribeRejection(round_.round(), client, status));
  }
}

Status UpdateCollection::MergeElsewhere(SumReducer& reducer) {
  MutexLock lock(mutex_);
  return deps_.progress.MergeElsewhere(reducer, std::exchange(elsewhere_, {}));
}

RoundSituation UpdateCollection::SituationAt(Clock::Time now) const {
  MutexLock lock(mutex_);
  return round_.SituationAt(now);
}

std::int64_t UpdateCollection::bytes_up() const {
  MutexLock lock(mutex_);
  return bytes_up_;
}

}  // namespace fedgap
