#include "client/core/task_inbox.h"

#include <algorithm>
#include <utility>

namespace fedgap {

TaskInbox::TaskInbox(std::unique_ptr<TaskSource> stream)
    : stream_(std::move(stream)), reader_([this] { Read(); }) {}

TaskInbox::~TaskInbox() {
  Close();
  reader_.join();
}

void TaskInbox::Close() { stream_->Close(); }

void TaskInbox::Read() {
  while (true) {
    StatusOr<Task> task = stream_->Next();
    MutexLock lock(mutex_);
    if (task.ok()) {
      tasks_.push_back(*std::move(task));
    } else {
      end_ = task.status();
    }
    changed_.NotifyAll();
    if (!end_.ok()) return;
  }
}

StatusOr<Task> TaskInbox::Pop() {
  MutexLock lock(mutex_);
  while (tasks_.empty() && end_.ok()) changed_.Wait(mutex_);
  if (tasks_.empty()) return end_;
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

bool TaskInbox::Supersedes(const Task& task) const {
  MutexLock lock(mutex_);
  if (absl::IsPermissionDenied(end_)) return true;
  return std::ranges::any_of(tasks_, [&task](const Task& news) {
    if (std::holds_alternative<FinishedNotice>(news.work)) return true;
    if (std::holds_alternative<TrainTask>(news.work) ||
        std::holds_alternative<EvaluateTask>(news.work)) {
      return news.id != task.id;
    }
    return std::holds_alternative<CommittedNotice>(news.work) &&
           news.round >= task.round &&
           std::holds_alternative<TrainTask>(task.work);
  });
}

}  // namespace fedgap
