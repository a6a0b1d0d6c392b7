// What the program's C++ code has allocated and not freed.
#ifndef FEDGAP_TESTS_TESTING_LIVE_ALLOCATIONS_H_
#define FEDGAP_TESTS_TESTING_LIVE_ALLOCATIONS_H_

#include <cstdint>

namespace fedgap {

struct LiveAllocations {
  std::int64_t count = 0;
  std::int64_t bytes = 0;  // as malloc rounds them
};

// At this moment, of all threads: exact when the others rest. Counts operator
// new alone, in a program that is linked with live_allocations.cc, which
// replaces it. What C libraries take from malloc is not in it.
LiveAllocations CountLiveAllocations();

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_LIVE_ALLOCATIONS_H_
