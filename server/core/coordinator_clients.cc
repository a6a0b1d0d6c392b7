// What clients ask of the coordinator; see coordinator.h.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/kill_point.h"
#include "common/federation/model_id.h"
#include "server/core/coordinator.h"
#include "server/core/update_review.h"

namespace fedgap {
StatusOr<JoinReply> Coordinator::Join(const ClientName& client,
                                      const std::string& peer,
                                      const JoinRequest& request) {
  if (request.protocol_version != kProtocolVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "the client speaks protocol version {}, this server {}; install the "
        "same release on both sides",
        request.protocol_version, kProtocolVersion));
  }
  MutexLock lock(mutex_);
  // One that lost its connection before the end may come to be told.
  if (phase_ == RunPhase::kFinished &&
      (resumable_ || registry_.Find(client) == nullptr)) {
    if (resumable_) return GoingAway();
    return absl::FailedPreconditionError(
        fmt::format("run {} is over: {}", run_.value, stop_reason_));
  }
  if (!request.probe && phase_ != RunPhase::kFinished) {
    FEDGAP_RETURN_IF_ERROR(Admit(client, peer, request));
  }
  return JoinReply{run_, model_->spec(), layout_hash_,
                   elements_ * std::int64_t{sizeof(float)},
                   options_.class_names};
}

Status Coordinator::Subscribe(const ClientName& client, const TaskId& /*last*/,
                              std::shared_ptr<TaskSink> sink) {
  FEDGAP_RETURN_IF_ERROR(Connect(client, std::move(sink)));
  WakeUp();
  return absl::OkStatus();
}

Status Coordinator::Connect(const ClientName& client,
                            std::shared_ptr<TaskSink> sink) {
  MutexLock lock(mutex_);
  FEDGAP_ASSIGN_OR_RETURN(ClientRecord* const record, Joined(client));
  record->lost.reset();
  if (phase_ == RunPhase::kFinished) {
    if (resumable_) return GoingAway();
    sink->Push(Notice("finished", last_committed_));
    sink->Close(absl::OkStatus());
    return absl::OkStatus();
  }
  TaskSink& connection = *sink;  // the registry's from here on
  const auto earlier = registry_.Connect(*record, std::move(sink));
  if (earlier != nullptr) {
    earlier->Close(absl::AbortedError(
        fmt::format("another connection of {} took over", client.value)));
  }
  if (round_.has_value()) round_->Return(client);
  PushCommits(client, connection);
  if (round_.has_value() && phase_ == RunPhase::kCollecting &&
      round_->IsOutstanding(client)) {
    connection.Push(round_->TaskFor(client, deps_.clock.Now()));
  }
  return absl::OkStatus();
}

// The commits that it may have missed: the last that counted an update of its
// own, whose local tensors it may still hold as provisional, and the newest.
// What the client has heard before changes nothing for it.
void Coordinator::PushCommits(const ClientName& client, TaskSink& sink) const {
  const auto found = contributions_.find(client);
  const Round own = found == contributions_.end() ? 0 : found->second;
  if (own > 0) sink.Push(CommittedTask(own, /*contributed=*/true));
  if (last_committed_ > own) {
    sink.Push(CommittedTask(last_committed_, /*contributed=*/false));
  }
}

void Coordinator::Unsubscribe(const ClientName& client, const TaskSink* sink,
                              const std::string& reason) {
  {
    MutexLock lock(mutex_);
    if (!registry_.Disconnect(client, sink)) return;
    // Everybody goes when the run is over.
    if (phase_ == RunPhase::kFinished) return;
    registry_.Find(client)->lost = deps_.clock.Now();
    if (round_.has_value()) round_->Lose(client, deps_.clock.Now());
    deps_.events.Emit(ClientLeftEvent{client, reason});
  }
  WakeUp();
}

StatusOr<std::shared_ptr<const ModelSnapshot>> Coordinator::GetModel(
    const ModelId& id) const {
  MutexLock lock(mutex_);
  if (current_->id() == id) return current_;
  return absl::NotFoundError(fmt::format("model {} is not the current one ({})",
                                         ToHex(id), ToHex(current_->id())));
}

StatusOr<UploadDecision> Coordinator::CheckHeader(const ClientName& client,
                                                  const UploadHeader& header) {
  FEDGAP_RETURN_IF_ERROR(Joined(client).status());
  // A copy of what the last commit holds: the client missed the verdict.
  for (const LedgerEntry& entry : ledger_) {
    if (entry.client != client || entry.task != header.task) continue;
    if (entry.digest == header.digest) return UploadDecision::kAlreadyAccepted;
    return absl::AlreadyExistsError(fmt::format(
        "a different update of {} is part of round {}: digest {}, not {}",
        client.value, last_committed_, entry.digest, header.digest));
  }
  if (!round_.has_value() || phase_ != RunPhase::kCollecting) {
    return absl::FailedPreconditionError(fmt::format(
        "no round is open for updates (the last committed is {}); task {} is "
        "stale",
        last_committed_, header.task.value));
  }
  FEDGAP_ASSIGN_OR_RETURN(
      const bool wanted,
      round_->WantsUpdate(client, header.task, header.digest));
  if (!wanted) return UploadDecision::kAlreadyAccepted;
  if (header.layout_hash != layout_hash_) {
    return absl::InvalidArgumentError(
        fmt::format("the update has layout {}, the run {}",
                    ToHex(header.layout_hash), ToHex(layout_hash_)));
  }
  const std::int64_t expected = round_->is_training() ? elements_ : 0;
  if (header.elements != expected) {
    return absl::InvalidArgumentError(
        fmt::format("the update has {} elements, the layout {}",
                    header.elements, expected));
  }
  FEDGAP_RETURN_IF_ERROR(TurnAwayIfFull(client));
  return UploadDecision::kSend;
}

bool Coordinator::IsTaskOver(const ClientName& client,
                             const TaskId& task) const {
  MutexLock lock(mutex_);
  if (phase_ == RunPhase::kCollecting) {
    return !round_->IsOutstanding(client) || task != round_->TaskIdOf(client);
  }
  if (phase_ != RunPhase::kWaiting || attempts_ == 0 || IsOver() ||
      rejected_.contains(client)) {
    return true;
  }
  const auto record = registry_.clients().find(client);
  return record == registry_.clients().end() || record->second.sink == nullptr;
}

Status Coordinator::TurnAwayIfFull(const ClientName& client) {
  if (!round_->is_full()) return absl::OkStatus();
  round_->TurnAway(client);
  return absl::FailedPreconditionError(
      fmt::format("round {} has the {} updates that it needs", round_->round(),
                  round_->accepted()));
}

StatusOr<UploadDecision> Coordinator::BeginUpload(const ClientName& client,
                                                  const UploadHeader& header) {
  StatusOr<UploadDecision> decision = UploadDecision::kSend;
  {
    MutexLock lock(mutex_);
    decision = CheckHeader(client, header);
    // A malformed update of the open task ends the client's part in the round.
    if (decision.status().code() == absl::StatusCode::kInvalidArgument) {
      RejectUpdate(client, decision.status());
    }
  }
  if (!decision.ok()) WakeUp();
  return decision;
}

StatusOr<std::optional<Coordinator::Review>> Coordinator::BeginReview(
    const ClientName& client, const UploadHeader& header) {
  FEDGAP_ASSIGN_OR_RETURN(UploadDecision decision, BeginUpload(client, header));
  MutexLock lock(mutex_);
  if (decision == UploadDecision::kSend) {
    FEDGAP_ASSIGN_OR_RETURN(decision, CheckHeader(client, header));
  }
  if (decision == UploadDecision::kAlreadyAccepted) {
    return std::optional<Review>();
  }
  round_->BeginValidation(client, header.digest);
  return std::optional<Review>({round_->is_training(), round_->round(),
                                round_->attempt(), round_->plan().base->id(),
                                last_delta_});
}

StatusOr<UpdateReview> Coordinator::CheckSubmission(
    const Submission& submission, const Review& review) const {
  if (submission.info.round != review.round ||
      submission.info.base != review.base) {
    return absl::InvalidArgumentError(fmt::format(
        "the update is of round {} from model {}, the task of round {} from {}",
        submission.info.round, ToHex(submission.info.base), review.round,
        ToHex(review.base)));
  }
  if (submission.delta == nullptr) {
    FEDGAP_RETURN_IF_ERROR(ValidateEvaluation(submission.info, rules_));
    return UpdateReview{};
  }
  return ReviewUpdate(submission.info, *submission.delta, rules_,
                      *review.last_delta);
}

StatusOr<Verdict> Coordinator::Submit(const ClientName& client,
                                      Submission submission) {
  FEDGAP_ASSIGN_OR_RETURN(const std::optional<Review> review,
                          BeginReview(client, submission.header));
  if (!review.has_value()) return Verdict::kAlreadyAccepted;
  // The heavy part, outside the lock.
  const StatusOr<UpdateReview> found = CheckSubmission(submission, *review);
  StatusOr<Verdict> verdict = Verdict::kAccepted;
  {
    MutexLock lock(mutex_);
    verdict = EndReview(client, *review, found, std::move(submission));
  }
  WakeUp();
  return verdict;
}

StatusOr<Verdict> Coordinator::EndReview(const ClientName& client,
                                         const Review& review,
                                         const StatusOr<UpdateReview>& found,
                                         Submission submission) {
  // Another attempt may have begun meanwhile, without this client or with a
  // copy of the very update.
  if (!round_.has_value() || phase_ != RunPhase::kCollecting ||
      round_->round() != review.round || round_->attempt() != review.attempt ||
      round_->is_training() != review.is_training ||
      !round_->IsValidating(client, submission.header.digest)) {
    return absl::FailedPreconditionError(
        fmt::format("attempt {} at round {} ended while the update was checked",
                    review.attempt, review.round));
  }
  if (absl::IsInvalidArgument(found.status())) {
    RejectUpdate(client, found.status());
    return found.status();
  }
  if (!found.ok()) {
    // This side's fault, not the client's: it is asked still.
    round_->Retry(client);
    deps_.events.Emit(WarningEvent{
        fmt::format("round {}: the update of {} could not be checked: {}",
                    review.round, client.value, MessageOf(found.status()))});
    return found.status();
  }
  FEDGAP_RETURN_IF_ERROR(TurnAwayIfFull(client));
  Accept(client, *found, std::move(submission));
  return Verdict::kAccepted;
}

void Coordinator::Accept(const ClientName& client, const UpdateReview& found,
                         Submission submission) {
  round_->Accept(client);
  KillPoint("update-accepted");
  ++registry_.Find(client)->accepted_updates;
  bytes_up_ += submission.wire_bytes;
  if (!round_->is_training()) {
    final_evaluations_.push_back(std::move(submission.info));
    return;
  }
  deps_.events.Emit(
      DescribeUpdate(client, submission.info, found,
                     ToSeconds(deps_.clock.Now() - round_->plan().started),
                     submission.wire_bytes));
  inbox_.push_back({{client, std::move(submission.info),
                     std::move(submission.delta), found.facts.scale},
                    submission.header.task,
                    submission.header.digest});
}

void Coordinator::RejectUpload(const ClientName& client, const TaskId& task,
                               const Status& status) {
  {
    MutexLock lock(mutex_);
    if (!round_.has_value() || phase_ != RunPhase::kCollecting ||
        !round_->IsOutstanding(client) ||
        (!task.value.empty() && task != round_->TaskIdOf(client))) {
      return;
    }
    RejectUpdate(client, status);
  }
  WakeUp();
}

Status Coordinator::Decline(const ClientName& client, const TaskId& task,
                            const std::string& reason) {
  {
    MutexLock lock(mutex_);
    FEDGAP_RETURN_IF_ERROR(Joined(client).status());
  }
  RejectUpload(client, task, absl::UnimplementedError("declined: " + reason));
  return absl::OkStatus();
}

void Coordinator::RejectUpdate(const ClientName& client, const Status& status) {
  round_->Reject(client);
  ++registry_.Find(client)->rejected_updates;
  deps_.events.Emit(UpdateRejectedEvent{round_->round(), client,
                                        absl::StatusCodeToString(status.code()),
                                        MessageOf(status)});
}

Status Coordinator::Leave(const ClientName& client, const std::string& reason,
                          std::uint64_t instance) {
  {
    MutexLock lock(mutex_);
    FEDGAP_ASSIGN_OR_RETURN(ClientRecord* const record, Joined(client));
    if (record->join.instance != instance) return absl::OkStatus();
    Part(client, *record, reason, absl::OkStatus());
  }
  WakeUp();
  return absl::OkStatus();
}

Status Coordinator::Expel(const ClientName& client, const Status& why,
                          const TaskSink* connection) {
  {
    MutexLock lock(mutex_);
    FEDGAP_ASSIGN_OR_RETURN(ClientRecord* const record, Joined(client));
    if (connection != nullptr && connection != record->sink.get()) {
      return absl::OkStatus();
    }
    if (record->sink == nullptr) {
      return absl::FailedPreconditionError(fmt::format(
          "{} is not connected; to keep it out, revoke its certificate (fedgap "
          "certs revoke)",
          client.value));
    }
    Part(client, *record, "expelled: " + MessageOf(why), why);
  }
  WakeUp();
  return absl::OkStatus();
}

StatusOr<ClientRecord*> Coordinator::Joined(const ClientName& client) {
  ClientRecord* record = registry_.Find(client);
  if (record != nullptr) return record;
  return absl::NotFoundError(
      fmt::format("{} has not joined run {}", client.value, run_.value));
}

void Coordinator::Part(const ClientName& client, ClientRecord& record,
                       const std::string& reason, const Status& end) {
  record.lost.reset();
  if (round_.has_value()) round_->Leave(client);
  const std::shared_ptr<TaskSink> sink = record.sink;
  if (!registry_.Disconnect(client, sink.get())) return;
  sink->Close(end);
  deps_.events.Emit(ClientLeftEvent{client, reason});
}

void Coordinator::CountBytesDown(std::int64_t bytes) {
  MutexLock lock(mutex_);
  bytes_down_ += bytes;
}

}  // namespace fedgap
