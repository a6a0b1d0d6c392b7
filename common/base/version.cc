#include "common/base/version.h"

namespace fedgap {

std::string SoftwareVersion() { return "fedgap " FEDGAP_VERSION; }

}  // namespace fedgap
