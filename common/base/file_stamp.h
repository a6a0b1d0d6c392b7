// Whether a file has changed, without reading it.
#ifndef FEDGAP_COMMON_BASE_FILE_STAMP_H_
#define FEDGAP_COMMON_BASE_FILE_STAMP_H_

#include <cstdint>
#include <filesystem>

namespace fedgap {

// Of a file; differs after every change that a rename, a write or a change of
// mode makes.
struct FileStamp {
  std::int64_t inode = 0;
  std::int64_t size = -1;     // -1: no file
  std::int64_t modified = 0;  // nanoseconds
  std::int64_t changed = 0;
  int error = 0;  // errno of looking at it
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

FileStamp StampOf(const std::filesystem::path& path);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_FILE_STAMP_H_
