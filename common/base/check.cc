#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace fedgap {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken contract: %s\n", file, line, condition);
  std::abort();
}

}  // namespace fedgap
