#include "client/console_listener.h"

#include <fmt/format.h>

#include <variant>

#include "common/federation/model_id.h"
#include "common/telemetry/progress_printer.h"

namespace fedgap {

void ConsoleListener::OnJoined(const JoinReply& run) {
  lost_since_.reset();
  log_.Info(
      fmt::format("joined run {}, model {}", run.run.value, run.model.name));
}

void ConsoleListener::OnTask(const Task& task) {
  if (const auto* train = std::get_if<TrainTask>(&task.work)) {
    log_.Info(fmt::format("round {}: training, learning rate {:.4g}",
                          task.round, train->training.learning_rate));
  } else if (std::holds_alternative<EvaluateTask>(task.work)) {
    log_.Info("evaluating the final model");
  } else if (const auto* done = std::get_if<CommittedNotice>(&task.work)) {
    log_.Debug(fmt::format("round {} is committed{}", task.round,
                           done->contributed ? "" : " without this client"));
  } else if (const auto* aborted = std::get_if<AbortedNotice>(&task.work)) {
    log_.Warning(
        fmt::format("round {} was aborted: {}", task.round, aborted->reason));
  }
}

void ConsoleListener::OnTrained(const UpdateInfo& info) {
  log_.Info(fmt::format(
      "round {}: {} steps in {:.1f} s, loss {:.4f}, accuracy {:.1f} %",
      info.round, info.local_steps, info.train_seconds, info.training.loss(),
      100 * info.training.accuracy()));
}

void ConsoleListener::OnAccepted(const UpdateInfo& info) {
  log_.Debug(fmt::format("round {}: the update was accepted", info.round));
}

void ConsoleListener::OnRejected(const Task& task, const Status& cause) {
  log_.Warning(fmt::format("round {}: the update does not count: {}",
                           task.round, MessageOf(cause)));
}

void ConsoleListener::OnDeclined(const Task& task, const Status& cause) {
  log_.Warning(
      fmt::format("round {}: declined: {}", task.round, MessageOf(cause)));
}

void ConsoleListener::OnDisconnected(const Status& cause,
                                     std::chrono::milliseconds /*retry_in*/) {
  const Clock::Time now = clock_.Now();
  if (!lost_since_.has_value()) {
    log_.Warning(fmt::format("{}; trying again", MessageOf(cause)));
    lost_since_ = now;
  } else if (now - told_at_ >= std::chrono::minutes(1)) {
    log_.Warning(fmt::format("not in the run for {}: {}; still trying",
                             HumanDuration(ToSeconds(now - *lost_since_)),
                             MessageOf(cause)));
  } else {
    return;
  }
  told_at_ = now;
}

void ConsoleListener::OnFinished(const FinishedNotice& notice) {
  log_.Info(fmt::format("the run is over ({}); the model is {}", notice.reason,
                        ToHex(notice.model)));
}

}  // namespace fedgap
