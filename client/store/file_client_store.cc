#include "client/store/file_client_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "client/store/state_file.h"
#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/federation/run_id.h"

namespace fedgap {
namespace {

StatusOr<SavedUpdate> ReadSaved(const std::filesystem::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(const auto file, ReadFileBytes(path));
  return ParseSavedUpdate(file, path.string());
}

}  // namespace

StatusOr<std::unique_ptr<FileClientStore>> FileClientStore::Open(
    const std::filesystem::path& directory) {
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(directory));
  const std::filesystem::path lock = directory / "lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "create", lock);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return absl::FailedPreconditionError(
        fmt::format("another client uses the state directory {}; give each "
                    "client its own --state-dir",
                    directory.string()));
  }
  return std::unique_ptr<FileClientStore>(new FileClientStore(directory, fd));
}

FileClientStore::~FileClientStore() { ::close(lock_fd_); }

StatusOr<std::filesystem::path> FileClientStore::UpdateFile(
    const RunId& run) const {
  FEDGAP_RETURN_IF_ERROR(ValidateRunId(run));
  return directory_ / run.value / "update.bin";
}

StatusOr<std::filesystem::path> FileClientStore::LocalFile(
    const RunId& run) const {
  FEDGAP_RETURN_IF_ERROR(ValidateRunId(run));
  return directory_ / run.value / "local.bin";
}

StatusOr<Parameters> FileClientStore::LocalTensors(const RunId& run) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, LocalFile(run));
  const auto file = ReadFileBytes(path);
  if (absl::IsNotFound(file.status())) return Parameters();
  FEDGAP_RETURN_IF_ERROR(file.status());
  return ParseLocalTensors(*file, path.string());
}

Status FileClientStore::SaveUpdate(const RunId& run, const Update& update,
                                   const Parameters& provisional) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, UpdateFile(run));
  // Without its name on disk, a power cut would take the tensors of all rounds
  // that were synced in it.
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
  return WriteFileAtomic(path, EncodeSavedUpdate(update, provisional));
}

StatusOr<std::optional<Update>> FileClientStore::FindUpdate(
    const RunId& run, const TaskId& task) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, UpdateFile(run));
  StatusOr<SavedUpdate> saved = ReadSaved(path);
  if (absl::IsNotFound(saved.status()) || absl::IsDataLoss(saved.status())) {
    return std::optional<Update>();
  }
  FEDGAP_RETURN_IF_ERROR(saved.status());
  if (saved->update.info.task != task) return std::optional<Update>();
  return std::optional<Update>(std::move(saved->update));
}

Status FileClientStore::Resolve(const RunId& run, Round round,
                                bool contributed) {
  FEDGAP_ASSIGN_OR_RETURN(const auto path, UpdateFile(run));
  FEDGAP_ASSIGN_OR_RETURN(const auto local, LocalFile(run));
  const StatusOr<SavedUpdate> saved = ReadSaved(path);
  if (absl::IsNotFound(saved.status())) return absl::OkStatus();
  if (!saved.ok() && (contributed || !absl::IsDataLoss(saved.status()))) {
    return Annotate(
        saved.status(),
        fmt::format("the local tensors of round {} cannot be read (remove the "
                    "file to go on with those before it)",
                    round));
  }
  if (saved.ok() && saved->update.info.round > round) return absl::OkStatus();
  if (contributed && saved->update.info.round == round &&
      !saved->provisional.empty()) {
    FEDGAP_RETURN_IF_ERROR(
        WriteFileAtomic(local, EncodeLocalTensors(saved->provisional)));
  }
  // A crash before this line promotes the same tensors once more.
  std::error_code error;
  std::filesystem::remove(path, error);
  return absl::OkStatus();
}

}  // namespace fedgap
