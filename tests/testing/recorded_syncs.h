// Which files and directories the program has told the system to put on disk.
#ifndef FEDGAP_TESTS_TESTING_RECORDED_SYNCS_H_
#define FEDGAP_TESTS_TESTING_RECORDED_SYNCS_H_

#include <filesystem>
#include <vector>

namespace fedgap {

// The paths of all fsync() calls until now, in order, in a program that is
// linked with recorded_syncs.cc, which replaces that function of the C library.
// Calls of other shared libraries count too. Thread-safe.
std::vector<std::filesystem::path> RecordedSyncs();

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_RECORDED_SYNCS_H_
