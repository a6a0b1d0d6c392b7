// The list of revoked certificates beside a server's own (crl.pem), followed
// while the server runs.
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
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/crypto/certificate.h"

namespace fedgap {

// What was once read as revoked stays so until the server ends: an older list
// put in its place, a damaged or a missing one takes nothing back. Thread-safe.
class RevocationFile {
 public:
  // Reads the file, which need not exist yet. Lists must be signed by one of
  // `authorities`. Errors: it cannot be read, INVALID_ARGUMENT for a damaged
  // one, FAILED_PRECONDITION for one of another authority.
  static StatusOr<std::shared_ptr<RevocationFile>> Open(
      std::filesystem::path path, std::vector<Certificate> authorities);

  // Reads the file if it is not the one that was read last. Open's errors; the
  // same file's (or the same error of looking at it) once.
  Status Refresh() EXCLUDES(mutex_);

  // PERMISSION_DENIED if the certificate with this serial number (as
  // Certificate::SerialNumber says it) is revoked; `whose` is named.
  Status Check(const std::string& serial, const std::string& whose) const
      EXCLUDES(mutex_);

 private:
  // Differs after every change that a rename, a write or a change of mode
  // makes.
  struct Stamp {
    std::int64_t inode = 0;
    std::int64_t size = -1;     // -1: no file
    std::int64_t modified = 0;  // nanoseconds
    std::int64_t changed = 0;
    int error = 0;  // errno of looking at it
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };

  RevocationFile(std::filesystem::path path,
                 std::vector<Certificate> authorities)
      : path_(std::move(path)), authorities_(std::move(authorities)) {}
  Stamp Look() const;
  Status Take(const Stamp& stamp) EXCLUDES(mutex_);
  Status Read() EXCLUDES(mutex_);

  const std::filesystem::path path_;
  const std::vector<Certificate> authorities_;
  mutable Mutex mutex_;
  Stamp read_ GUARDED_BY(mutex_);                 // of the list that counts
  std::optional<Stamp> told_ GUARDED_BY(mutex_);  // whose error was returned
  std::map<std::string, Clock::WallTime> revoked_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_REVOCATION_FILE_H_
