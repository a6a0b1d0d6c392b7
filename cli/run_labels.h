// What the runs of one command line are called in what it writes.
#ifndef FEDGAP_CLI_RUN_LABELS_H_
#define FEDGAP_CLI_RUN_LABELS_H_

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fedgap {

// One label a log, in order, each different: the name of the run's directory,
// or of a file that is in none; where two are the same, with as many
// directories in front as tell them apart ("a/seed=1", "b/seed=1"). A label is
// a relative path without "..". INVALID_ARGUMENT if one run is named twice,
// NOT_FOUND if there is no such file.
StatusOr<std::vector<std::string>> RunLabels(
    const std::vector<std::filesystem::path>& logs);

}  // namespace fedgap

#endif  // FEDGAP_CLI_RUN_LABELS_H_
