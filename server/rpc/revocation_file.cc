#include "server/rpc/revocation_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "common/base/file_io.h"
#include "common/crypto/revocation_list.h"

namespace fedgap {

StatusOr<std::shared_ptr<RevocationFile>> RevocationFile::Open(
    std::filesystem::path path, std::vector<Certificate> authorities) {
  std::shared_ptr<RevocationFile> file(
      new RevocationFile(std::move(path), std::move(authorities)));
  FEDGAP_RETURN_IF_ERROR(file->Refresh());
  return file;
}

RevocationFile::Stamp RevocationFile::Look() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) {
    return {.error = errno == ENOENT ? 0 : errno};
  }
  const auto nanoseconds = [](const timespec& time) {
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
  };
  return {.inode = static_cast<std::int64_t>(info.st_ino),
          .size = info.st_size,
          .modified = nanoseconds(info.st_mtim),
          .changed = nanoseconds(info.st_ctim)};
}

Status RevocationFile::Refresh() {
  const Stamp stamp = Look();
  {
    MutexLock lock(mutex_);
    if (stamp == read_) return absl::OkStatus();
  }
  // What failed is tried again each time: it may have been the system's fault.
  Status status = Take(stamp);
  MutexLock lock(mutex_);
  if (status.ok()) {
    read_ = stamp;
    told_.reset();
    return status;
  }
  if (told_ == stamp) return absl::OkStatus();
  told_ = stamp;
  return status;
}

Status RevocationFile::Take(const Stamp& stamp) {
  if (stamp.error != 0) return ErrnoStatus(stamp.error, "look at", path_);
  if (stamp == Stamp{}) {
    return absl::NotFoundError(fmt::format(
        "{} is gone; what it revoked stays revoked until the server ends",
        path_.string()));
  }
  Status status = Read();
  if (status.ok()) return status;
  return Annotate(status, path_.string());
}

Status RevocationFile::Read() {
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, ReadFileText(path_));
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<RevocationList> lists,
                          ParseRevocationLists(pem));
  for (const RevocationList& list : lists) {
    FEDGAP_RETURN_IF_ERROR(list.CheckIssuedBy(authorities_));
  }
  MutexLock lock(mutex_);
  for (const RevocationList& list : lists) {
    for (const Revocation& revocation : list.Revocations()) {
      revoked_.try_emplace(revocation.serial, revocation.time);
    }
  }
  return absl::OkStatus();
}

Status RevocationFile::Check(const std::string& serial,
                             const std::string& whose) const {
  MutexLock lock(mutex_);
  const auto found = revoked_.find(serial);
  if (found == revoked_.end()) return absl::OkStatus();
  return RevokedError(serial, whose, found->second);
}

}  // namespace fedgap
