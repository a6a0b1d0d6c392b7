#include "common/base/status.h"

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace fedgap {

std::string MessageOf(const Status& status) {
  return std::string(status.message().data(), status.message().size());
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  std::string message(context);
  message += ": ";
  message += MessageOf(status);
  Status annotated(status.code(), message);
  status.ForEachPayload(
      [&annotated](absl::string_view type, const absl::Cord& payload) {
        annotated.SetPayload(type, payload);
      });
  return annotated;
}

}  // namespace fedgap
