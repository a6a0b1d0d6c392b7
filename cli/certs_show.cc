// `fedgap certs show`: what a certificate says, and whether it would be
// accepted.
#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/certs_subcommands.h"
#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/crypto/certificate_checks.h"
#include "common/crypto/revocation_list.h"
#include "common/crypto/tls_files.h"
#include "enrolment/authority_directory.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

Clock::WallTime ShownAt() { return SystemClock().WallNow(); }

std::string Validity(const Certificate& certificate) {
  const auto left =
      std::chrono::floor<std::chrono::days>(certificate.NotAfter() - ShownAt());
  return fmt::format(
      "{} to {} ({})", FormatUtc(certificate.NotBefore()),
      FormatUtc(certificate.NotAfter()),
      left.count() < 0 ? "expired" : fmt::format("{} days left", left.count()));
}

void PrintCertificate(const Certificate& certificate) {
  const AlternativeNames names = certificate.GetAlternativeNames();
  const auto line = [](std::string_view label, const std::string& text) {
    if (!text.empty()) fmt::print("  {:<12} {}\n", label, text);
  };
  line("identity", fmt::format("{}", fmt::join(names.uri, ", ")));
  line("kind", certificate.IsAuthority() ? "authority" : "");
  line("valid", Validity(certificate));
  line("DNS names", fmt::format("{}", fmt::join(names.dns, ", ")));
  line("IP addresses", fmt::format("{}", fmt::join(names.ip, ", ")));
  line("issued by", certificate.IssuerCommonName());
  line("key", certificate.KeyAlgorithmText());
  line("serial", certificate.SerialNumber());
  line("fingerprint", "sha256:" + ToHex(certificate.Fingerprint()));
}

// What can be checked about a whole bundle: all that TLS will.
Status CheckBundle(const TlsFiles& files, const Certificate& certificate) {
  const StatusOr<Identity> identity = certificate.GetIdentity();
  if (!identity.ok()) return identity.status();
  const TlsEnd end =
      identity->role == Role::kServer ? TlsEnd::kServer : TlsEnd::kClient;
  return LoadTlsFiles(files, end, ShownAt()).status();
}

// Others can read a file that holds a private key.
bool IsExposedKey(const fs::path& path, const std::string& pem) {
  struct stat info {};
  return pem.find("PRIVATE KEY-----") != std::string::npos &&
         ::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0;
}

// The lists of revoked certificates in a file's directory and in the one above:
// beside a bundle, and in the authority's own directory.
StatusOr<std::vector<RevocationList>> ListsBeside(const fs::path& file) {
  const fs::path directory = fs::absolute(file).parent_path();
  std::vector<RevocationList> all;
  for (const fs::path& place : {directory, directory.parent_path()}) {
    const fs::path path = RevocationsIn(place);
    const StatusOr<std::string> pem = ReadFileText(path);
    if (absl::IsNotFound(pem.status())) continue;
    FEDGAP_RETURN_IF_ERROR(pem.status());
    StatusOr<std::vector<RevocationList>> lists = ParseRevocationLists(*pem);
    if (!lists.ok()) return Annotate(lists.status(), path.string());
    for (RevocationList& list : *lists) all.push_back(std::move(list));
  }
  return all;
}

// Whether the certificate is revoked, in a line. Who signed a list is not asked
// here: a forged one can only make a sound certificate look revoked.
Status ShowRevocation(const Certificate& certificate,
                      const std::vector<RevocationList>& lists) {
  Clock::WallTime newest{};
  for (const RevocationList& list : lists) {
    newest = std::max(newest, list.IssuedAt());
  }
  const std::string serial = certificate.SerialNumber();
  Status status = CheckNotRevoked(
      serial, fmt::format("the certificate '{}'", certificate.CommonName()),
      lists);
  std::string text = "yes";
  if (lists.empty()) {
    text = "not known: no crl.pem beside it or above";
  } else if (status.ok()) {
    text = fmt::format("no, by the list of {}", FormatUtc(newest));
  }
  fmt::print("  {:<12} {}\n", "revoked", text);
  return status;
}

Status ShowOne(const fs::path& path) {
  const bool bundle = fs::exists(TlsFilesIn(path).identity);
  fs::path file = path;
  if (bundle) file = TlsFilesIn(path).identity;
  if (!bundle && fs::is_directory(path)) {
    file = AuthorityDirectory(path).certificate();
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, ReadFileText(file));
  const StatusOr<std::vector<Certificate>> certificates =
      ParseCertificates(pem);
  if (!certificates.ok()) {
    return Annotate(certificates.status(), file.string());
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<RevocationList> lists,
                          ListsBeside(file));
  Status status;
  for (const Certificate& certificate : *certificates) {
    fmt::print("{}\n", file.string());
    PrintCertificate(certificate);
    if (!certificate.IsAuthority()) {
      status.Update(
          Annotate(ShowRevocation(certificate, lists), file.string()));
    }
    status.Update(
        Annotate(CheckValidity(certificate, ShownAt()), file.string()));
  }
  if (IsExposedKey(file, pem)) {
    fmt::print(
        "  warning      other users can read this private key; run "
        "`chmod 600 {}`\n",
        file.string());
  }
  if (bundle)
    status.Update(CheckBundle(TlsFilesIn(path), certificates->front()));
  if (bundle && status.ok()) {
    fmt::print("  checks       {}\n",
               lists.empty() ? "all but revocation passed" : "all passed");
  }
  return status;
}

Status RunShow(const std::vector<fs::path>& paths) {
  Status first;
  for (const fs::path& path : paths) first.Update(ShowOne(path));
  return first;
}

}  // namespace

void AddCertsShow(CLI::App& certs, Action& selected) {
  auto paths = std::make_shared<std::vector<fs::path>>();
  CLI::App* command = certs.add_subcommand(
      "show",
      "Print what certificates say, and check bundles; fails if one "
      "would not be accepted");
  command->add_option("PATH", *paths, "PEM files or bundle directories")
      ->type_name("PATH")
      ->required();
  command->footer(
      "Exit codes: 0 every one is good, 1 one is not, 2 wrong usage.\n\n"
      "Examples:\n"
      "  fedgap certs show ca/server bundles/site-1");
  command->callback(
      [paths, &selected] { selected = [paths] { return RunShow(*paths); }; });
}

}  // namespace fedgap
