#include "common/base/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace fedgap {
namespace {

constexpr rlim_t kMost = 1 << 20;
constexpr char kMark[] = "fedgap/out-of-descriptors";

}  // namespace

std::size_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{std::max(limit.rlim_cur, std::min(limit.rlim_max, kMost)),
                      limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return std::min(limit.rlim_cur, kMost);
}

Status OutOfDescriptors(const std::string& message) {
  Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kMark, absl::Cord());
  return status;
}

bool IsOutOfDescriptors(const Status& status) {
  return status.GetPayload(kMark).has_value();
}

}  // namespace fedgap
