// Whole files, read at once and written atomically.
#ifndef FEDGAP_COMMON_BASE_FILE_IO_H_
#define FEDGAP_COMMON_BASE_FILE_IO_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace fedgap {

// The file's bytes. NOT_FOUND if it does not exist, PERMISSION_DENIED,
// RESOURCE_EXHAUSTED if it is larger than `max_bytes`, else UNAVAILABLE; every
// message names the path.
StatusOr<std::vector<std::uint8_t>> ReadFileBytes(
    const std::filesystem::path& path, std::uint64_t max_bytes = 1ULL << 34);
StatusOr<std::string> ReadFileText(const std::filesystem::path& path,
                                   std::uint64_t max_bytes = 1ULL << 28);

struct WriteOptions {
  // Permission bits of the new file.
  unsigned mode = 0644;
  // fsync the file and its directory before returning.
  bool sync = true;
};

// Writes `bytes` to a temporary file beside `path` and renames it over `path`:
// a reader, or a crash at any moment, sees the old file or the new one, never
// a part. RESOURCE_EXHAUSTED when the disk is full, PERMISSION_DENIED,
// NOT_FOUND when the directory does not exist, else UNAVAILABLE; then the old
// file is untouched and no temporary is left.
Status WriteFileAtomic(const std::filesystem::path& path,
                       std::span<const std::uint8_t> bytes,
                       WriteOptions options = {});
Status WriteFileAtomic(const std::filesystem::path& path, std::string_view text,
                       WriteOptions options = {});
// The pieces, one after the other.
Status WriteFileAtomic(const std::filesystem::path& path,
                       std::span<const std::span<const std::uint8_t>> pieces,
                       WriteOptions options = {});

// Writes all of `bytes` to `fd`; `path` is for the message. Errors as above.
Status WriteAll(int fd, std::span<const std::uint8_t> bytes,
                const std::filesystem::path& path);
Status WriteAll(int fd, std::string_view text,
                const std::filesystem::path& path);

// fsync: the names in `directory` survive a crash. Errors as above.
Status SyncDirectory(const std::filesystem::path& directory);

// A Status for errno after a failed call on `path`, saying what was attempted.
Status ErrnoStatus(int error, std::string_view attempt,
                   const std::filesystem::path& path);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_FILE_IO_H_
