#include "server/rpc/revocation_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/file_io.h"
#include "common/crypto/revocation_list.h"
#include "common/crypto/tls_files.h"

namespace fedgap {

StatusOr<std::shared_ptr<RevocationFile>> RevocationFile::Open(Files files) {
  std::shared_ptr<RevocationFile> file(new RevocationFile(std::move(files)));
  FEDGAP_RETURN_IF_ERROR(file->Refresh());
  return file;
}

Status RevocationFile::Refresh() {
  const Stamps stamps{.list = StampOf(files_.list),
                      .authorities = StampOf(files_.authorities)};
  {
    MutexLock lock(mutex_);
    if (stamps == read_) return absl::OkStatus();
  }
  // What failed is tried again each time: it may have been the system's fault.
  // The list is obeyed whatever became of ca.pem.
  Status status = TakeAuthorities();
  status.Update(TakeList(stamps.list));
  MutexLock lock(mutex_);
  if (status.ok()) {
    read_ = stamps;
    told_.reset();
    return status;
  }
  if (told_ == stamps) return absl::OkStatus();
  told_ = stamps;
  return status;
}

Status RevocationFile::TakeAuthorities() {
  FEDGAP_ASSIGN_OR_RETURN(std::vector<Certificate> read,
                          ReadAuthorities(files_.authorities));
  MutexLock lock(mutex_);
  for (Certificate& authority : read) {
    const auto is_it = [&authority](const Certificate& known) {
      return known.Fingerprint() == authority.Fingerprint();
    };
    if (std::ranges::none_of(authorities_, is_it)) {
      authorities_.push_back(std::move(authority));
    }
  }
  return absl::OkStatus();
}

Status RevocationFile::TakeList(const FileStamp& stamp) {
  if (stamp.error != 0) {
    return ErrnoStatus(stamp.error, "look at", files_.list);
  }
  if (stamp == FileStamp{}) {
    MutexLock lock(mutex_);
    if (!had_list_) return absl::OkStatus();
    return absl::NotFoundError(fmt::format(
        "{} is gone; what it revoked stays revoked until the server ends",
        files_.list.string()));
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, ReadFileText(files_.list));
  return Annotate(TakeListsOf(pem), files_.list.string());
}

Status RevocationFile::TakeListsOf(const std::string& pem) {
  const ReadableLists readable = ParseReadableRevocationLists(pem);
  Status status = readable.rest;
  MutexLock lock(mutex_);
  had_list_ = true;
  for (const RevocationList& list : readable.lists) {
    const Status signed_by_one = list.CheckIssuedBy(authorities_);
    status.Update(signed_by_one);
    if (!signed_by_one.ok()) continue;
    for (const Revocation& revocation : list.Revocations()) {
      revoked_.try_emplace(revocation.serial, revocation.time);
    }
  }
  return status;
}

Status RevocationFile::Check(const std::string& serial,
                             const std::string& whose) const {
  MutexLock lock(mutex_);
  const auto found = revoked_.find(serial);
  if (found == revoked_.end()) return absl::OkStatus();
  return RevokedError(serial, whose, found->second);
}

}  // namespace fedgap
