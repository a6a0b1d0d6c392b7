// Directories whose names survive a crash.
#ifndef FEDGAP_COMMON_BASE_MAKE_DIRECTORIES_H_
#define FEDGAP_COMMON_BASE_MAKE_DIRECTORIES_H_

#include <filesystem>

#include "common/base/status.h"

namespace fedgap {

// Makes a directory and those above it, where they are missing. The directory
// of each new name is fsynced, and that of `path` itself although it is there
// (who made it may have crashed before), unless this process may not read it.
// Errors of ErrnoStatus, naming the path.
Status MakeDirectories(const std::filesystem::path& path);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_MAKE_DIRECTORIES_H_
