// Where a connected client's tasks go.
#ifndef FEDGAP_SERVER_CORE_TASK_SINK_H_
#define FEDGAP_SERVER_CORE_TASK_SINK_H_

#include "common/base/status.h"
#include "common/federation/task.h"

namespace fedgap {

// One client's connection. Both calls return at once, are made one
// at a time, and never call back into the Coordinator.
class TaskSink {
 public:
  virtual ~TaskSink() = default;
  virtual void Push(const Task& task) = 0;
  // Nothing is pushed any more: another connection of the same client took
  // over (ABORTED), or the run is over (OK).
  virtual void Close(const Status& status) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_TASK_SINK_H_
