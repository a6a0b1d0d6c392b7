// Tasks on the wire.
#ifndef FEDGAP_COMMON_WIRE_TASK_WIRE_H_
#define FEDGAP_COMMON_WIRE_TASK_WIRE_H_

#include <optional>

#include "common/base/status.h"
#include "common/federation/task.h"
#include "fedgap/v1/federation.pb.h"
#include "fedgap/v1/task.pb.h"

namespace fedgap {

v1::Task ToProto(const Task& task);

// INVALID_ARGUMENT names the field that is out of its bounds. A kind of task
// that this version does not know gives UnknownWork.
StatusOr<Task> FromProto(const v1::Task& proto);

// A message of the stream of tasks: nothing for a heartbeat or for content of
// a later version.
StatusOr<std::optional<Task>> FromProto(const v1::TasksReply& proto);

// An id of a task as clients name it; may be empty where `allow_empty`.
StatusOr<TaskId> TaskIdFromProto(const std::string& id, bool allow_empty);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_TASK_WIRE_H_
