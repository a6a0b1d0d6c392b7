// How many files and connections the process may have open.
#ifndef FEDGAP_COMMON_BASE_DESCRIPTOR_LIMIT_H_
#define FEDGAP_COMMON_BASE_DESCRIPTOR_LIMIT_H_

#include <cstddef>
#include <string>

#include "common/base/status.h"

namespace fedgap {

// Raises the limit of this process to what the system lets it have, a million
// at the most, and returns it. The usual limit, 1024, is low because of
// programs that use select(); this one does not.
std::size_t RaiseDescriptorLimit();

// RESOURCE_EXHAUSTED: the process, or the machine, had none left. That may
// pass, other than most that has this code.
Status OutOfDescriptors(const std::string& message);
bool IsOutOfDescriptors(const Status& status);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_DESCRIPTOR_LIMIT_H_
