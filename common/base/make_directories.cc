#include "common/base/make_directories.h"

#include <system_error>

#include "common/base/file_io.h"

namespace fedgap {

Status MakeDirectories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path whole = std::filesystem::absolute(path, error);
  if (error) return ErrnoStatus(error.value(), "create", path);
  if (!whole.has_filename()) whole = whole.parent_path();  // "a/"
  const bool existed = std::filesystem::exists(whole, error);
  // The deepest above it that is there already.
  std::filesystem::path there = whole.parent_path();
  while (!std::filesystem::exists(there, error) && there.has_relative_path()) {
    there = there.parent_path();
  }
  std::filesystem::create_directories(whole, error);
  if (error) return ErrnoStatus(error.value(), "create", path);
  std::filesystem::path parent = whole;
  do {
    parent = parent.parent_path();
    Status status = SyncDirectory(parent);
    if (!existed && !status.ok() && !absl::IsPermissionDenied(status)) {
      return status;
    }
  } while (parent != there);
  return absl::OkStatus();
}

}  // namespace fedgap
