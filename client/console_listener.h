// A client's progress in words.
#ifndef FEDGAP_CLIENT_CONSOLE_LISTENER_H_
#define FEDGAP_CLIENT_CONSOLE_LISTENER_H_

#include "client/core/participant.h"
#include "common/telemetry/human_log.h"

namespace fedgap {

class ConsoleListener final : public ParticipantListener {
 public:
  // `log` must outlive it.
  explicit ConsoleListener(HumanLog& log) : log_(log) {}

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
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CONSOLE_LISTENER_H_
