// The lists of revoked certificates beside a server's own (crl.pem), and the
// authorities that may sign them (ca.pem), both followed while the server runs.
#ifndef FEDGAP_SERVER_RPC_REVOCATION_FILE_H_
#define FEDGAP_SERVER_RPC_REVOCATION_FILE_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/file_stamp.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/crypto/certificate.h"

namespace fedgap {

// What was once read as revoked stays so until the server ends: an older list
// put in its place, a damaged or a missing one takes nothing back. An authority
// that was once in ca.pem may sign lists until then: its members' connections
// may still be open. Each list counts by itself: one that cannot be used keeps
// none beside it from being obeyed. Thread-safe.
class RevocationFile {
 public:
  struct Files {
    std::filesystem::path list;         // need not exist yet
    std::filesystem::path authorities;  // PEM certificates
  };

  // Reads both. Errors: one cannot be read, INVALID_ARGUMENT for a damaged one,
  // FAILED_PRECONDITION for a list that no authority signed.
  static StatusOr<std::shared_ptr<RevocationFile>> Open(Files files);

  // Reads the files if they are not those that were read last, and takes what
  // can be used. Open's errors, of the rest; of the same files (or the same
  // error of looking at them) once.
  Status Refresh() EXCLUDES(mutex_);

  // PERMISSION_DENIED if the certificate with this serial number (as
  // Certificate::SerialNumber says it) is revoked; `whose` is named.
  Status Check(const std::string& serial, const std::string& whose) const
      EXCLUDES(mutex_);

 private:
  struct Stamps {
    FileStamp list;
    FileStamp authorities;
    friend bool operator==(const Stamps&, const Stamps&) = default;
  };

  explicit RevocationFile(Files files) : files_(std::move(files)) {}
  Status TakeAuthorities() EXCLUDES(mutex_);
  Status TakeList(const FileStamp& stamp) EXCLUDES(mutex_);
  Status TakeListsOf(const std::string& pem) EXCLUDES(mutex_);

  const Files files_;
  mutable Mutex mutex_;
  std::optional<Stamps> read_ GUARDED_BY(mutex_);  // of what counts
  std::optional<Stamps> told_ GUARDED_BY(mutex_);  // whose error was returned
  bool had_list_ GUARDED_BY(mutex_) = false;
  // Every one that was ever in the file.
  std::vector<Certificate> authorities_ GUARDED_BY(mutex_);
  std::map<std::string, Clock::WallTime> revoked_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_REVOCATION_FILE_H_
