// `fedgap certs show`: what a certificate or a list of revoked ones says, and
// whether it would be accepted.
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
  const Clock::WallTime now = ShownAt();
  const auto left =
      std::chrono::floor<std::chrono::days>(certificate.NotAfter() - now)
          .count();
  std::string state =
      fmt::format("{} {} left", left, left == 1 ? "day" : "days");
  if (now > certificate.NotAfter()) state = "expired";
  if (now < certificate.NotBefore()) state = "not valid yet";
  return fmt::format("{} to {} ({})", FormatUtc(certificate.NotBefore()),
                     FormatUtc(certificate.NotAfter()), state);
}

void PrintLine(std::string_view label, const std::string& text) {
  if (!text.empty()) fmt::print("  {:<12} {}\n", label, text);
}

void PrintCertificate(const Certificate& certificate) {
  const AlternativeNames names = certificate.GetAlternativeNames();
  PrintLine("identity", fmt::format("{}", fmt::join(names.uri, ", ")));
  PrintLine("kind", certificate.IsAuthority() ? "authority" : "");
  PrintLine("valid", Validity(certificate));
  PrintLine("DNS names", fmt::format("{}", fmt::join(names.dns, ", ")));
  PrintLine("IP addresses", fmt::format("{}", fmt::join(names.ip, ", ")));
  PrintLine("issued by", certificate.IssuerCommonName());
  PrintLine("key", certificate.KeyAlgorithmText());
  PrintLine("serial", certificate.SerialNumber());
  PrintLine("fingerprint", "sha256:" + ToHex(certificate.Fingerprint()));
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
  PrintLine("revoked", text);
  return status;
}

// Of a file that holds them in the place of certificates.
Status ShowLists(const fs::path& file, const std::string& pem) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<RevocationList> lists,
                          ParseRevocationLists(pem));
  for (const RevocationList& list : lists) {
    const std::vector<Revocation> revocations = list.Revocations();
    fmt::print("{}\n", file.string());
    PrintLine("kind", "list of revoked certificates");
    PrintLine("issued by", list.IssuerCommonName());
    PrintLine("number", fmt::format("{}", list.Number()));
    PrintLine("valid", fmt::format("{} to {}", FormatUtc(list.IssuedAt()),
                                   FormatUtc(list.GoodUntil())));
    if (revocations.empty()) PrintLine("revoked", "none");
    for (const auto& [serial, time] : revocations) {
      PrintLine("revoked",
                fmt::format("serial {} on {}", serial, FormatUtc(time)));
    }
  }
  return absl::OkStatus();
}

Status ShowOne(const fs::path& path) {
  const bool bundle = fs::exists(TlsFilesIn(path).identity);
  fs::path file = path;
  if (bundle) file = TlsFilesIn(path).identity;
  if (!bundle && fs::is_directory(path)) {
    file = AuthorityDirectory(path).certificate();
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, ReadFileText(file));
  if (pem.find("-----BEGIN X509 CRL-----") != std::string::npos) {
    return Annotate(ShowLists(file, pem), file.string());
  }
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
  Status last;
  for (const fs::path& path : paths) {
    const Status shown = ShowOne(path);
    if (shown.ok()) continue;
    if (!last.ok()) fmt::print(stderr, "fedgap: {}\n", MessageOf(last));
    last = shown;
  }
  return last;
}

}  // namespace

void AddCertsShow(CLI::App& certs, Action& selected) {
  auto paths = std::make_shared<std::vector<fs::path>>();
  CLI::App* command = certs.add_subcommand(
      "show",
      "Print what certificates and lists of revoked ones say, and check "
      "bundles; fails if one would not be accepted");
  command->add_option("PATH", *paths, "PEM files or bundle directories")
      ->type_name("PATH")
      ->required();
  command->footer(
      "Exit codes: 0 every one is good, 1 one is not, 2 wrong usage.\n\n"
      "Examples:\n"
      "  fedgap certs show ca/server bundles/site-1\n"
      "  fedgap certs show ca/crl.pem");
  command->callback(
      [paths, &selected] { selected = [paths] { return RunShow(*paths); }; });
}

}  // namespace fedgap
