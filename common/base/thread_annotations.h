// clang's -Wthread-safety attributes; nothing under other compilers.
#ifndef FEDGAP_COMMON_BASE_THREAD_ANNOTATIONS_H_
#define FEDGAP_COMMON_BASE_THREAD_ANNOTATIONS_H_

#if defined(__clang__)
#define FEDGAP_THREAD_ANNOTATION_(x) __attribute__((x))
#else
#define FEDGAP_THREAD_ANNOTATION_(x)
#endif

#define CAPABILITY(x) FEDGAP_THREAD_ANNOTATION_(capability(x))
#define SCOPED_CAPABILITY FEDGAP_THREAD_ANNOTATION_(scoped_lockable)
#define GUARDED_BY(x) FEDGAP_THREAD_ANNOTATION_(guarded_by(x))
#define PT_GUARDED_BY(x) FEDGAP_THREAD_ANNOTATION_(pt_guarded_by(x))
#define REQUIRES(...) \
  FEDGAP_THREAD_ANNOTATION_(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) FEDGAP_THREAD_ANNOTATION_(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) FEDGAP_THREAD_ANNOTATION_(acquire_capability(__VA_ARGS__))
#define RELEASE(...) FEDGAP_THREAD_ANNOTATION_(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS \
  FEDGAP_THREAD_ANNOTATION_(no_thread_safety_analysis)

#endif  // FEDGAP_COMMON_BASE_THREAD_ANNOTATIONS_H_
