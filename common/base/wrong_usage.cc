#include "common/base/wrong_usage.h"

#include <string>

#include "absl/strings/cord.h"

namespace fedgap {
namespace {

constexpr char kMark[] = "fedgap/wrong-usage";

}  // namespace

Status WrongUsage(std::string_view message) {
  Status status = absl::InvalidArgumentError(std::string(message));
  status.SetPayload(kMark, absl::Cord());
  return status;
}

bool IsWrongUsage(const Status& status) {
  return status.GetPayload(kMark).has_value();
}

}  // namespace fedgap
