#include "common/base/status.h"

namespace fedgap {

std::string MessageOf(const Status& status) {
  return std::string(status.message().data(), status.message().size());
}

Status Annotate(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  std::string message(context);
  message += ": ";
  message += MessageOf(status);
  return Status(status.code(), message);
}

}  // namespace fedgap
