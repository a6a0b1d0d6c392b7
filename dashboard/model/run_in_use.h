// Whether a program works on a run's directory.
#ifndef FEDGAP_DASHBOARD_MODEL_RUN_IN_USE_H_
#define FEDGAP_DASHBOARD_MODEL_RUN_IN_USE_H_

#include <filesystem>

namespace fedgap {

// A run's directory as the server and the simulator make it.
bool IsRunDirectory(const std::filesystem::path& directory);
// Whether a program holds the run's lock.
bool IsInUse(const std::filesystem::path& directory);
// Whether `log` (a run's directory, its events/ or one file in that) is of a
// run's directory that nobody holds. False of a copied log, which tells nothing
// of its run.
bool IsLeft(const std::filesystem::path& log);

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_RUN_IN_USE_H_
