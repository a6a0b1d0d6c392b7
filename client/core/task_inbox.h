// The tasks of one connection, read ahead so that work on one can be stopped by
// news of the next.
#ifndef FEDGAP_CLIENT_CORE_TASK_INBOX_H_
#define FEDGAP_CLIENT_CORE_TASK_INBOX_H_

#include <deque>
#include <memory>
#include <thread>

#include "client/core/federation_api.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/federation/task.h"

namespace fedgap {

// Owns a TaskSource and the thread that reads it. Thread-safe.
class TaskInbox {
 public:
  explicit TaskInbox(std::unique_ptr<TaskSource> stream);
  // Closes the stream and joins the thread.
  ~TaskInbox();
  TaskInbox(const TaskInbox&) = delete;
  TaskInbox& operator=(const TaskInbox&) = delete;

  // Blocks until there is a task; after the last, the status that ended the
  // stream (never OK).
  StatusOr<Task> Pop();

  // Whether news that has arrived makes work on `task` pointless: its round
  // was committed, the run is over, another task came, or the server sent this
  // client away (PERMISSION_DENIED). Neither a lost connection nor an aborted
  // round does: the finished update is sent after the reconnect, or to the next
  // attempt, which has the same task.
  bool Supersedes(const Task& task) const;

  // Ends the stream; Pop returns what is left, then CANCELLED.
  void Close();

 private:
  void Read();

  const std::unique_ptr<TaskSource> stream_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ GUARDED_BY(mutex_);
  Status end_ GUARDED_BY(mutex_);  // OK while the stream is open
  std::thread reader_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_TASK_INBOX_H_
