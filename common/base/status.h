// Status and StatusOr for everything that outside bytes or time can cause.
//
// The code of an error is what a caller acts on; the message says what was
// wrong, where, and what to do about it.
#ifndef FEDGAP_COMMON_BASE_STATUS_H_
#define FEDGAP_COMMON_BASE_STATUS_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fedgap {

using absl::Status;
using absl::StatusOr;

// The message as a std::string (Debian's absl::string_view is not
// std::string_view).
std::string MessageOf(const Status& status);

// The status with "`context`: " in front of its message; OK stays OK.
Status Annotate(const Status& status, std::string_view context);

}  // namespace fedgap

#define FEDGAP_STATUS_CONCAT_(a, b) a##b
#define FEDGAP_STATUS_NAME_(a, b) FEDGAP_STATUS_CONCAT_(a, b)

// Returns from the enclosing function if `expression` is not OK.
#define FEDGAP_RETURN_IF_ERROR(expression)                                    \
  do {                                                                        \
    if (::absl::Status fedgap_status_ = (expression); !fedgap_status_.ok()) { \
      return fedgap_status_;                                                  \
    }                                                                         \
  } while (false)

// Assigns the value of the StatusOr `expression` to `target`, or returns its
// status from the enclosing function.
#define FEDGAP_ASSIGN_OR_RETURN(target, expression)                         \
  FEDGAP_ASSIGN_OR_RETURN_(FEDGAP_STATUS_NAME_(fedgap_statusor_, __LINE__), \
                           target, expression)
#define FEDGAP_ASSIGN_OR_RETURN_(name, target, expression) \
  auto name = (expression);                                \
  if (!name.ok()) return std::move(name).status();         \
  target = std::move(name).value()

#endif  // FEDGAP_COMMON_BASE_STATUS_H_
