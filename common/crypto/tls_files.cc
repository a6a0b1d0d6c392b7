#include "common/crypto/tls_files.h"

#include <cstdint>
#include <system_error>
#include <utility>

#include "common/base/file_io.h"

namespace fedgap {
namespace {

// Far above any honest bundle; a model given by mistake is refused at once.
constexpr std::uint64_t kMaxPemBytes = 1 << 20;

StatusOr<Credentials> ReadCredentials(const std::filesystem::path& path) {
  const StatusOr<std::string> text = ReadFileText(path, kMaxPemBytes);
  if (absl::IsNotFound(text.status())) {
    std::error_code error;
    if (std::filesystem::exists(path.parent_path() / "ca.key", error)) {
      return Annotate(text.status(),
                      "this is an authority's own directory; give the bundle "
                      "inside it that bears the program's name");
    }
    return Annotate(text.status(),
                    "no bundle of `fedgap certs init` or `fedgap certs issue`");
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, text);
  StatusOr<Certificate> certificate = Certificate::FromPem(pem);
  if (!certificate.ok()) return Annotate(certificate.status(), path.string());
  StatusOr<PrivateKey> key = PrivateKey::FromPem(pem);
  if (!key.ok()) return Annotate(key.status(), path.string());
  return Credentials{.certificate = *std::move(certificate),
                     .key = *std::move(key)};
}

StatusOr<std::vector<Certificate>> ReadValidAuthorities(
    const std::filesystem::path& path, Clock::WallTime now) {
  FEDGAP_ASSIGN_OR_RETURN(std::vector<Certificate> authorities,
                          ReadAuthorities(path));
  // While authorities are changed over, the old one may have expired.
  Status validity;
  for (const Certificate& authority : authorities) {
    validity = CheckValidity(authority, now);
    if (validity.ok()) return authorities;
  }
  return Annotate(validity, path.string());
}

Status CheckAll(const Credentials& credentials,
                const std::vector<Certificate>& authorities, TlsEnd end,
                Clock::WallTime now) {
  FEDGAP_RETURN_IF_ERROR(CheckPair(credentials.certificate, credentials.key));
  FEDGAP_RETURN_IF_ERROR(CheckValidity(credentials.certificate, now));
  FEDGAP_RETURN_IF_ERROR(CheckIssuedBy(credentials.certificate, authorities));
  return CheckUsage(credentials.certificate, end);
}

}  // namespace

TlsFiles TlsFilesIn(const std::filesystem::path& directory) {
  return {.identity = directory / "identity.pem",
          .authority = directory / "ca.pem"};
}

std::filesystem::path RevocationsIn(const std::filesystem::path& directory) {
  return directory / "crl.pem";
}

StatusOr<std::vector<Certificate>> ReadAuthorities(
    const std::filesystem::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem,
                          ReadFileText(path, kMaxPemBytes));
  StatusOr<std::vector<Certificate>> authorities = ParseCertificates(pem);
  if (authorities.ok()) return authorities;
  return Annotate(authorities.status(), path.string());
}

StatusOr<TlsMaterial> LoadTlsFiles(const TlsFiles& files, TlsEnd end,
                                   Clock::WallTime now) {
  FEDGAP_ASSIGN_OR_RETURN(Credentials credentials,
                          ReadCredentials(files.identity));
  FEDGAP_ASSIGN_OR_RETURN(std::vector<Certificate> authorities,
                          ReadValidAuthorities(files.authority, now));
  const std::string path = files.identity.string();
  FEDGAP_RETURN_IF_ERROR(
      Annotate(CheckAll(credentials, authorities, end, now), path));
  StatusOr<Identity> identity = credentials.certificate.GetIdentity();
  if (!identity.ok()) return Annotate(identity.status(), path);
  return TlsMaterial{.identity = *std::move(identity),
                     .certificate = std::move(credentials.certificate),
                     .authorities = std::move(authorities)};
}

Status WriteTlsFiles(const TlsFiles& files, const Credentials& credentials,
                     const Certificate& authority) {
  FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(
      files.identity, credentials.key.ToPem() + credentials.certificate.ToPem(),
      {.mode = 0600}));
  return WriteFileAtomic(files.authority, authority.ToPem());
}

}  // namespace fedgap
