// The files with which a program proves who it is: made by `fedgap certs
// issue`, read by server and client.
#ifndef FEDGAP_COMMON_CRYPTO_TLS_FILES_H_
#define FEDGAP_COMMON_CRYPTO_TLS_FILES_H_

#include <filesystem>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/certificate.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/certificate_checks.h"
#include "common/crypto/identity.h"

namespace fedgap {

// Key and certificate stand in one file, so that one rename replaces both: a
// reader never sees the new key with the old certificate.
struct TlsFiles {
  std::filesystem::path identity;   // PEM: private key, then certificate
  std::filesystem::path authority;  // PEM: one or more CA certificates
};

// DIR/identity.pem and DIR/ca.pem: a bundle, to be copied as it is to the
// machine of its owner.
TlsFiles TlsFilesIn(const std::filesystem::path& directory);

// DIR/crl.pem: where a server looks for the certificates that its authority
// revoked.
std::filesystem::path RevocationsIn(const std::filesystem::path& directory);

// What the files hold, checked.
struct TlsMaterial {
  Identity identity;
  Certificate certificate;
  std::vector<Certificate> authorities;
};

// Reads both files and checks everything that TLS will: the key belongs to the
// certificate, an authority in the file issued it, it is valid `now`, it may be
// used at this end, and it carries an identity. NOT_FOUND, PERMISSION_DENIED or
// UNAVAILABLE for a file that cannot be read, INVALID_ARGUMENT for one that
// makes no sense, FAILED_PRECONDITION for a failed check; each message names
// the file and what to do.
StatusOr<TlsMaterial> LoadTlsFiles(const TlsFiles& files, TlsEnd end,
                                   Clock::WallTime now);

// The certificates of a ca.pem, whatever their dates. Errors of ReadFileText;
// INVALID_ARGUMENT for one that makes no sense; each names the file.
StatusOr<std::vector<Certificate>> ReadAuthorities(
    const std::filesystem::path& path);

// Writes a bundle, the identity with mode 0600. The directory must exist.
// Errors of WriteFileAtomic.
Status WriteTlsFiles(const TlsFiles& files, const Credentials& credentials,
                     const Certificate& authority);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_TLS_FILES_H_
