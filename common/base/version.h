// Which fedgap this is.
#ifndef FEDGAP_COMMON_BASE_VERSION_H_
#define FEDGAP_COMMON_BASE_VERSION_H_

#include <string>

namespace fedgap {

// "fedgap 0.1.0", from the project's CMakeLists.txt.
std::string SoftwareVersion();

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_VERSION_H_
