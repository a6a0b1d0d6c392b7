// FEDGAP_CHECK(condition): a broken contract inside the program ends it with
// the place and the condition. Never for outside bytes: those get a Status.
#ifndef FEDGAP_COMMON_BASE_CHECK_H_
#define FEDGAP_COMMON_BASE_CHECK_H_

namespace fedgap {

[[noreturn]] void CheckFailed(const char* file, int line,
                              const char* condition);

}  // namespace fedgap

#define FEDGAP_CHECK(condition) \
  (static_cast<bool>(condition) \
       ? static_cast<void>(0)   \
       : ::fedgap::CheckFailed(__FILE__, __LINE__, #condition))

#endif  // FEDGAP_COMMON_BASE_CHECK_H_
