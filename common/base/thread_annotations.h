// clang's -Wthread-safety attributes; nothing under other compilers. Debian's
// absl defines GUARDED_BY, PT_GUARDED_BY and NO_THREAD_SAFETY_ANALYSIS (they
// come along with absl::Status): those are taken from there, so that both may
// be included in either order.
#ifndef FEDGAP_COMMON_BASE_THREAD_ANNOTATIONS_H_
#define FEDGAP_COMMON_BASE_THREAD_ANNOTATIONS_H_

#include "absl/base/thread_annotations.h"

#if defined(__clang__)
#define FEDGAP_THREAD_ANNOTATION_(x) __attribute__((x))
#else
#define FEDGAP_THREAD_ANNOTATION_(x)
#endif

#define CAPABILITY(x) FEDGAP_THREAD_ANNOTATION_(capability(x))
#define SCOPED_CAPABILITY FEDGAP_THREAD_ANNOTATION_(scoped_lockable)
#define REQUIRES(...) \
  FEDGAP_THREAD_ANNOTATION_(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) FEDGAP_THREAD_ANNOTATION_(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) FEDGAP_THREAD_ANNOTATION_(acquire_capability(__VA_ARGS__))
#define RELEASE(...) FEDGAP_THREAD_ANNOTATION_(release_capability(__VA_ARGS__))

#endif  // FEDGAP_COMMON_BASE_THREAD_ANNOTATIONS_H_
