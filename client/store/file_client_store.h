// A client's memory on disk.
#ifndef FEDGAP_CLIENT_STORE_FILE_CLIENT_STORE_H_
#define FEDGAP_CLIENT_STORE_FILE_CLIENT_STORE_H_

#include <filesystem>
#include <memory>

#include "client/core/client_store.h"
#include "common/base/status.h"

namespace fedgap {

// One directory a run: DIR/<run>/update.bin holds the finished update and its
// provisional local tensors, DIR/<run>/local.bin the promoted ones. Both are
// replaced atomically and end in a checksum. A torn or flipped local.bin is
// DATA_LOSS by name; so is such an update.bin where it is to be promoted, else
// it is as good as absent, because training it again gives the same bits. A run
// whose id is no plain name (ValidateRunId) is INVALID_ARGUMENT: it comes from
// outside and must not lead out of DIR. The files' form is the program's own
// and may change between releases. One process at a time (a lock in DIR sees to
// it).
class FileClientStore final : public ClientStore {
 public:
  // Makes the directory if it does not exist. FAILED_PRECONDITION if another
  // process uses it; PERMISSION_DENIED and the like name the path.
  static StatusOr<std::unique_ptr<FileClientStore>> Open(
      const std::filesystem::path& directory);
  ~FileClientStore() override;

  StatusOr<Parameters> LocalTensors(const RunId& run) override;
  Status SaveUpdate(const RunId& run, const Update& update,
                    const Parameters& provisional) override;
  StatusOr<std::optional<Update>> FindUpdate(const RunId& run,
                                             const TaskId& task) override;
  Status Resolve(const RunId& run, Round round, bool contributed) override;

 private:
  FileClientStore(std::filesystem::path directory, int lock_fd)
      : directory_(std::move(directory)), lock_fd_(lock_fd) {}

  StatusOr<std::filesystem::path> UpdateFile(const RunId& run) const;
  StatusOr<std::filesystem::path> LocalFile(const RunId& run) const;

  const std::filesystem::path directory_;
  const int lock_fd_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_STORE_FILE_CLIENT_STORE_H_
