#include "enrolment/authority_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/crypto/certificate_checks.h"
#include "common/crypto/tls_files.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

StatusOr<Certificate> ReadCertificate(const fs::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, ReadFileText(path));
  StatusOr<Certificate> certificate = Certificate::FromPem(pem);
  if (certificate.ok()) return certificate;
  return Annotate(certificate.status(), path.string());
}

// The entries of a directory; none if it does not exist.
std::vector<fs::path> EntriesOf(const fs::path& directory) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    entries.push_back(it->path());
  }
  return entries;
}

bool IsBy(const CertificateAuthority& authority,
          const Certificate& certificate) {
  return CheckIssuedBy(certificate, {&authority.certificate(), 1}).ok();
}

// The certificates of the bundles in `directory`, with the bundle of each.
// What is no bundle of this authority is passed over: somebody else's.
std::vector<std::pair<fs::path, Certificate>> BundlesIn(
    const fs::path& directory, const CertificateAuthority& authority) {
  std::vector<std::pair<fs::path, Certificate>> bundles;
  for (const fs::path& entry : EntriesOf(directory)) {
    StatusOr<Certificate> certificate =
        ReadCertificate(TlsFilesIn(entry).identity);
    if (certificate.ok() && IsBy(authority, *certificate)) {
      bundles.emplace_back(entry, *std::move(certificate));
    }
  }
  return bundles;
}

// The PEM text of the lists in a file, which need not exist, that another
// authority signed. What is damaged helps no server and is left out.
StatusOr<std::string> ListsOfOthers(const fs::path& path,
                                    const CertificateAuthority& authority) {
  const StatusOr<std::string> pem = ReadFileText(path);
  if (absl::IsNotFound(pem.status())) return std::string();
  FEDGAP_RETURN_IF_ERROR(pem.status());
  std::string others;
  for (const RevocationList& list : ParseReadableRevocationLists(*pem).lists) {
    if (!list.CheckIssuedBy({&authority.certificate(), 1}).ok()) {
      others += list.ToPem();
    }
  }
  return others;
}

}  // namespace

StatusOr<CertificateAuthority> AuthorityDirectory::Read() const {
  const StatusOr<std::string> key_pem = ReadFileText(key());
  if (!key_pem.ok()) {
    return Annotate(key_pem.status(),
                    "no authority's key here; give the directory that `fedgap "
                    "certs init` filled");
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, ReadFileText(certificate()));
  StatusOr<CertificateAuthority> authority =
      CertificateAuthority::FromPem(pem, *key_pem);
  if (authority.ok()) return authority;
  return Annotate(authority.status(), path_.string());
}

Status AuthorityDirectory::Record(const Certificate& certificate) const {
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(issued()));
  return WriteFileAtomic(issued() / (certificate.SerialNumber() + ".pem"),
                         certificate.ToPem());
}

StatusOr<Certificate> AuthorityDirectory::ReadIssued(
    const std::string& serial) const {
  return ReadCertificate(issued() / (serial + ".pem"));
}

StatusOr<std::vector<Certificate>> AuthorityDirectory::Issued(
    const CertificateAuthority& authority) const {
  std::map<std::string, Certificate> by_serial;
  for (const fs::path& path : EntriesOf(issued())) {
    if (path.extension() != ".pem") continue;
    FEDGAP_ASSIGN_OR_RETURN(Certificate certificate, ReadCertificate(path));
    if (!IsBy(authority, certificate)) continue;
    const std::string serial = certificate.SerialNumber();
    by_serial.emplace(serial, std::move(certificate));
  }
  for (auto& [path, certificate] : BundlesIn(path_, authority)) {
    const std::string serial = certificate.SerialNumber();
    by_serial.emplace(serial, std::move(certificate));
  }
  std::vector<Certificate> all;
  for (auto& [serial, certificate] : by_serial) {
    all.push_back(std::move(certificate));
  }
  std::ranges::stable_sort(all, {}, [](const Certificate& certificate) {
    return std::pair(certificate.CommonName(), certificate.NotBefore());
  });
  return all;
}

StatusOr<std::optional<RevocationList>> AuthorityDirectory::ReadRevocations(
    const CertificateAuthority& authority) const {
  const StatusOr<std::string> pem = ReadFileText(revocations());
  if (absl::IsNotFound(pem.status())) return std::optional<RevocationList>();
  FEDGAP_RETURN_IF_ERROR(pem.status());
  StatusOr<std::vector<RevocationList>> lists = ParseRevocationLists(*pem);
  if (!lists.ok()) return Annotate(lists.status(), revocations().string());
  std::optional<RevocationList> newest;
  Status status;
  for (RevocationList& list : *lists) {
    const Status by_it = list.CheckIssuedBy({&authority.certificate(), 1});
    status.Update(by_it);
    if (!by_it.ok()) continue;
    if (!newest.has_value() || list.Number() > newest->Number()) {
      newest = std::move(list);
    }
  }
  if (newest.has_value()) return newest;
  return Annotate(status, revocations().string());
}

StatusOr<std::vector<fs::path>> AuthorityDirectory::WriteRevocations(
    const CertificateAuthority& authority, const RevocationList& list) const {
  std::vector<fs::path> paths = {revocations()};
  for (const auto& [bundle, certificate] : BundlesIn(path_, authority)) {
    const StatusOr<Identity> identity = certificate.GetIdentity();
    if (identity.ok() && identity->role == Role::kServer) {
      paths.push_back(RevocationsIn(bundle));
    }
  }
  for (const fs::path& path : paths) {
    FEDGAP_ASSIGN_OR_RETURN(const std::string others,
                            ListsOfOthers(path, authority));
    FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(path, list.ToPem() + others));
  }
  return paths;
}

}  // namespace fedgap
