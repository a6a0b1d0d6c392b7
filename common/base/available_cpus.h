// How many threads can run at the same time.
#ifndef FEDGAP_COMMON_BASE_AVAILABLE_CPUS_H_
#define FEDGAP_COMMON_BASE_AVAILABLE_CPUS_H_

namespace fedgap {

// CPUs that this process may run on: the machine's, or those that taskset, a
// cpuset or an MPI launcher has bound it to. At least 1.
// (std::thread::hardware_concurrency counts the machine's in any case.)
int AvailableCpus();

// What a setting of threads means: `wanted`, or all that can run for 0.
int ThreadsFor(int wanted);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_AVAILABLE_CPUS_H_
