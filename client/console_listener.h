// A client's progress in words.
#ifndef FEDGAP_CLIENT_CONSOLE_LISTENER_H_
#define FEDGAP_CLIENT_CONSOLE_LISTENER_H_

#include <optional>

#include "client/core/participant.h"
#include "common/base/clock.h"
#include "common/telemetry/human_log.h"

namespace fedgap {

// A server that is away is told once and then each minute, however often it is
// tried.
class ConsoleListener final : public ParticipantListener {
 public:
  // Both must outlive it.
  ConsoleListener(HumanLog& log, const Clock& clock)
      : log_(log), clock_(clock) {}

  void OnJoined(const JoinReply& run) override;
  void OnTask(const Task& task) override;
  void OnTrained(const UpdateInfo& info) override;
  void OnAccepted(const UpdateInfo& info) override;
  void OnRejected(const Task& task, const Status& cause) override;
  void OnDeclined(const Task& task, const Status& cause) override;
  void OnDisconnected(const Status& cause,
                      std::chrono::milliseconds retry_in) override;
  void OnFinished(const FinishedNotice& notice) override;

 private:
  HumanLog& log_;
  const Clock& clock_;
  // Of the time without a run; unset while in one.
  std::optional<Clock::Time> lost_since_;
  Clock::Time told_at_{};
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CONSOLE_LISTENER_H_
