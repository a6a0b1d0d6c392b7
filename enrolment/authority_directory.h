// The directory of an authority, which `fedgap certs init` makes:
//
//   ca.pem, ca.key       its certificate and its key
//   issued/SERIAL.pem    each certificate that it issued, to find it again
//   crl.pem              the certificates that it revoked
#ifndef FEDGAP_ENROLMENT_AUTHORITY_DIRECTORY_H_
#define FEDGAP_ENROLMENT_AUTHORITY_DIRECTORY_H_

#include <filesystem>
#include <optional>
#include <vector>

#include "common/base/status.h"
#include "common/crypto/certificate.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/revocation_list.h"

namespace fedgap {

// Not for two programs that write at a time.
class AuthorityDirectory {
 public:
  explicit AuthorityDirectory(std::filesystem::path path)
      : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path certificate() const { return path_ / "ca.pem"; }
  std::filesystem::path key() const { return path_ / "ca.key"; }
  std::filesystem::path revocations() const { return path_ / "crl.pem"; }
  std::filesystem::path invitations() const { return path_ / "invitations"; }

  // Errors of ReadFileText and CertificateAuthority::FromPem, naming the
  // directory.
  StatusOr<CertificateAuthority> Read() const;

  // To be called before the certificate is given away: what is not recorded
  // cannot be revoked by name.
  Status Record(const Certificate& issued) const;

  // A recorded certificate by its serial number. NOT_FOUND; errors of
  // ReadFileText and Certificate::FromPem.
  StatusOr<Certificate> ReadIssued(const std::string& serial) const;

  // What `authority` issued: the recorded certificates, and those of bundles
  // that lie in the directory (a release without a record made them). By name,
  // then by age. Errors of ReadFileText; INVALID_ARGUMENT names a damaged file.
  StatusOr<std::vector<Certificate>> Issued(
      const CertificateAuthority& authority) const;

  // The list in crl.pem that `authority` signed, the one with the highest
  // number; nothing before the first revocation. INVALID_ARGUMENT if a list is
  // damaged, FAILED_PRECONDITION if `authority` signed none.
  StatusOr<std::optional<RevocationList>> ReadRevocations(
      const CertificateAuthority& authority) const;

  // Puts the list into crl.pem, and beside the identity.pem of every server's
  // bundle in the directory, in the place of what `authority` signed before;
  // the lists of other authorities in these files stay. Returns the paths.
  StatusOr<std::vector<std::filesystem::path>> WriteRevocations(
      const CertificateAuthority& authority, const RevocationList& list) const;

 private:
  std::filesystem::path issued() const { return path_ / "issued"; }

  std::filesystem::path path_;
};

}  // namespace fedgap

#endif  // FEDGAP_ENROLMENT_AUTHORITY_DIRECTORY_H_
