#include "client/core/task_inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

// One task, then `end`.
class OneTask final : public TaskSource {
 public:
  OneTask(Task task, Status end)
      : task_(std::move(task)), end_(std::move(end)) {}
  StatusOr<Task> Next() override {
    if (std::exchange(given_, true)) return end_;
    return task_;
  }
  void Close() override {}

 private:
  const Task task_;
  const Status end_;
  bool given_ = false;
};

// Whether work on the only task is pointless once the stream has ended so.
bool IsPointlessAfter(const Status& end) {
  Task task;
  task.id = {"run-1/1/train/a"};
  task.round = 1;
  task.work = TrainTask{};
  TaskInbox inbox(std::make_unique<OneTask>(task, end));
  EXPECT_OK(inbox.Pop());
  EXPECT_FALSE(inbox.Pop().ok());
  return inbox.Supersedes(task);
}

TEST(TaskInboxTest, OneThatIsSentAwayNeedNotFinish) {
  EXPECT_TRUE(IsPointlessAfter(absl::PermissionDeniedError("revoked")));
}

TEST(TaskInboxTest, OneWhoseConnectionIsLostFinishes) {
  EXPECT_FALSE(IsPointlessAfter(absl::UnavailableError("connection lost")));
  EXPECT_FALSE(IsPointlessAfter(absl::CancelledError("closed")));
}

}  // namespace
}  // namespace fedgap
