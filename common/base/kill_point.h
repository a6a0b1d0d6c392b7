// Named places at which a test may kill its program, as the end of the power
// would: tests/integration/kill_points_test.cc.
#ifndef FEDGAP_COMMON_BASE_KILL_POINT_H_
#define FEDGAP_COMMON_BASE_KILL_POINT_H_

#include <string_view>

namespace fedgap {

// With FEDGAP_KILL_AT=NAME:N in the environment the N-th passing of NAME raises
// SIGKILL, with FEDGAP_KILL_AT=NAME:N:TERM SIGTERM. Nothing in a build without
// tests. Thread-safe.
void KillPoint(std::string_view name);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_KILL_POINT_H_
