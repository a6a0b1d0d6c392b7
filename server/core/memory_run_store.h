// A run that lives as long as its process: for simulations and tests.
#ifndef FEDGAP_SERVER_CORE_MEMORY_RUN_STORE_H_
#define FEDGAP_SERVER_CORE_MEMORY_RUN_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/core/run_store.h"

namespace fedgap {

// Holds the newest commit and the events of all. Not thread-safe. It outlives
// a Coordinator, so that a restart is tested by making another one on it.
class MemoryRunStore final : public RunStore {
 public:
  StatusOr<std::optional<RestoredRun>> Restore() override { return run_; }

  Status Create(const RunRecord& record, const RoundCommit& initial) override {
    if (run_.has_value()) {
      return absl::FailedPreconditionError("the store holds a run already");
    }
    RestoredRun run;
    run.record = record;
    Take(initial, run);
    run_ = std::move(run);
    return absl::OkStatus();
  }

  Status Commit(const RoundCommit& commit) override {
    if (!run_.has_value() || commit.round != run_->round + 1) {
      return absl::FailedPreconditionError(
          "the round does not follow the last committed one");
    }
    if (!next_error_.ok()) return std::exchange(next_error_, Status());
    Take(commit, *run_);
    run_->seconds += commit.event.seconds.total;
    events_.push_back(commit.event);
    pooled_ = commit.pooled;
    for (const LedgerEntry& entry : commit.ledger) {
      contributions_[entry.client] = commit.round;
    }
    return absl::OkStatus();
  }

  StatusOr<std::map<ClientName, Round>> LastContributions() override {
    return contributions_;
  }

  Status MarkFinished(const std::string& reason, double seconds) override {
    if (!run_.has_value()) {
      return absl::FailedPreconditionError("the store holds no run to finish");
    }
    run_->finished = true;
    run_->seconds = seconds;
    run_->finished_reason = reason;
    finished_ = reason;
    return absl::OkStatus();
  }

  // The newest commit; null before Create.
  const RestoredRun* run() const { return run_.has_value() ? &*run_ : nullptr; }
  const std::vector<RoundCommittedEvent>& events() const { return events_; }
  const std::vector<PooledRecord>& pooled() const { return pooled_; }
  const std::string& finished() const { return finished_; }

  // The next Commit fails so and changes nothing.
  void FailNextCommit(Status error) { next_error_ = std::move(error); }

 private:
  static void Take(const RoundCommit& commit, RestoredRun& run) {
    run.round = commit.round;
    run.model = commit.model;
    run.parameters_before = std::move(run.parameters);
    run.parameters.assign(commit.parameters.begin(), commit.parameters.end());
    run.optimizer = commit.optimizer;
    run.prototypes = commit.prototypes;
    run.ledger = commit.ledger;
    run.stale_evaluations = commit.stale_evaluations;
    run.best_accuracy_millionths = commit.best_accuracy_millionths;
    run.stop_reason = commit.stop_reason;
  }

  std::optional<RestoredRun> run_;
  std::vector<RoundCommittedEvent> events_;
  std::vector<PooledRecord> pooled_;
  std::map<ClientName, Round> contributions_;
  std::string finished_;
  Status next_error_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_MEMORY_RUN_STORE_H_
