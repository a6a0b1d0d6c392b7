// `fedgap certs init|issue|show`: the federation's authority, the bundles of
// its members, and what a certificate says.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/certificate_checks.h"
#include "common/crypto/tls_files.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct CertificateFlags {
  int days = 0;
  std::string algorithm = "p256";
  std::vector<std::string> dns_names = {};
  std::vector<std::string> ip_addresses = {};
};

struct InitFlags {
  fs::path directory;
  std::string federation;
  std::string server;  // empty: no server's bundle
  CertificateFlags certificate{.days = 3650};
};

struct IssueFlags {
  fs::path directory;
  fs::path out;  // empty: `directory`
  std::string role = "client";
  std::vector<std::string> names;
  bool replace = false;
  CertificateFlags certificate{.days = 365};
};

fs::path AuthorityCertificate(const fs::path& directory) {
  return directory / "ca.pem";
}
fs::path AuthorityKey(const fs::path& directory) {
  return directory / "ca.key";
}

Clock::WallTime Now() { return SystemClock().WallNow(); }

Status MakeDirectory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? ErrnoStatus(error.value(), "create the directory", path)
               : absl::OkStatus();
}

StatusOr<CertificateAuthority> ReadAuthority(const fs::path& directory) {
  const StatusOr<std::string> key = ReadFileText(AuthorityKey(directory));
  if (!key.ok()) {
    return Annotate(key.status(),
                    "no authority's key here; give the directory that `fedgap "
                    "certs init` filled");
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string certificate,
                          ReadFileText(AuthorityCertificate(directory)));
  StatusOr<CertificateAuthority> authority =
      CertificateAuthority::FromPem(certificate, *key);
  if (authority.ok()) return authority;
  return Annotate(authority.status(), directory.string());
}

StatusOr<IssueOptions> OptionsFor(const std::string& role,
                                  const std::string& name,
                                  const CertificateFlags& flags) {
  IssueOptions options{.name = name,
                       .dns_names = flags.dns_names,
                       .ip_addresses = flags.ip_addresses,
                       .validity = std::chrono::days(flags.days)};
  FEDGAP_ASSIGN_OR_RETURN(options.role, ParseRole(role));
  FEDGAP_ASSIGN_OR_RETURN(options.algorithm,
                          ParseKeyAlgorithm(flags.algorithm));
  const bool addressed =
      !options.dns_names.empty() || !options.ip_addresses.empty();
  if (options.role == Role::kServer && !addressed) {
    options.dns_names = {"localhost"};
    options.ip_addresses = {"127.0.0.1", "::1"};
  }
  return options;
}

Status WriteBundle(const CertificateAuthority& authority,
                   const IssueOptions& options, const Credentials& credentials,
                   const fs::path& bundle) {
  FEDGAP_RETURN_IF_ERROR(MakeDirectory(bundle));
  const TlsFiles files = TlsFilesIn(bundle);
  FEDGAP_RETURN_IF_ERROR(
      WriteTlsFiles(files, credentials, authority.certificate()));
  fmt::print("{:<9} {:<20} {}  until {}\n", RoleName(options.role),
             options.name, bundle.string(),
             FormatUtc(credentials.certificate.NotAfter()));
  return absl::OkStatus();
}

Status RunInit(const InitFlags& flags) {
  const fs::path key_path = AuthorityKey(flags.directory);
  if (fs::exists(key_path)) {
    return absl::AlreadyExistsError(fmt::format(
        "{} exists; a new authority would make every certificate of the old "
        "one worthless. Choose another directory, or remove this one first",
        key_path.string()));
  }
  AuthorityOptions options{
      .federation = flags.federation,
      .validity = std::chrono::days(flags.certificate.days)};
  FEDGAP_ASSIGN_OR_RETURN(options.algorithm,
                          ParseKeyAlgorithm(flags.certificate.algorithm));
  FEDGAP_ASSIGN_OR_RETURN(const CertificateAuthority authority,
                          CertificateAuthority::Init(options, Now()));
  // What can be wrong with the arguments shows before the first file is
  // written.
  IssueOptions server;
  std::optional<Credentials> credentials;
  if (!flags.server.empty()) {
    CertificateFlags certificate = flags.certificate;
    certificate.days = std::min(certificate.days, 365);
    FEDGAP_ASSIGN_OR_RETURN(server,
                            OptionsFor("server", flags.server, certificate));
    FEDGAP_ASSIGN_OR_RETURN(credentials, authority.Issue(server, Now()));
  }
  FEDGAP_RETURN_IF_ERROR(MakeDirectory(flags.directory));
  FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(AuthorityCertificate(flags.directory),
                                         authority.certificate().ToPem()));
  FEDGAP_RETURN_IF_ERROR(
      WriteFileAtomic(key_path, authority.key().ToPem(), {.mode = 0600}));
  fmt::print("authority of federation {} in {}; keep ca.key here and secret\n",
             flags.federation, flags.directory.string());
  if (!credentials.has_value()) return absl::OkStatus();
  return WriteBundle(authority, server, *credentials,
                     flags.directory / flags.server);
}

Status RunIssue(const IssueFlags& flags) {
  FEDGAP_ASSIGN_OR_RETURN(const CertificateAuthority authority,
                          ReadAuthority(flags.directory));
  const fs::path out = flags.out.empty() ? flags.directory : flags.out;
  // Every name is checked before the first file is written.
  std::vector<IssueOptions> requests;
  for (const std::string& name : flags.names) {
    FEDGAP_RETURN_IF_ERROR(ValidateName(name, "the name"));
    FEDGAP_ASSIGN_OR_RETURN(requests.emplace_back(),
                            OptionsFor(flags.role, name, flags.certificate));
    if (!flags.replace && fs::exists(out / name)) {
      return absl::AlreadyExistsError(
          fmt::format("{} exists; give --replace to issue a new certificate "
                      "in its place",
                      (out / name).string()));
    }
  }
  for (const IssueOptions& options : requests) {
    FEDGAP_ASSIGN_OR_RETURN(const Credentials credentials,
                            authority.Issue(options, Now()));
    FEDGAP_RETURN_IF_ERROR(
        WriteBundle(authority, options, credentials, out / options.name));
  }
  fmt::print(
      "copy each directory to its owner's machine; identity.pem is a "
      "secret\n");
  return absl::OkStatus();
}

std::string Validity(const Certificate& certificate) {
  const auto left =
      std::chrono::floor<std::chrono::days>(certificate.NotAfter() - Now());
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
  return LoadTlsFiles(files, end, Now()).status();
}

// Others can read a file that holds a private key.
bool IsExposedKey(const fs::path& path, const std::string& pem) {
  struct stat info {};
  return pem.find("PRIVATE KEY-----") != std::string::npos &&
         ::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0;
}

Status ShowOne(const fs::path& path) {
  const bool bundle = fs::exists(TlsFilesIn(path).identity);
  fs::path file = path;
  if (bundle) file = TlsFilesIn(path).identity;
  if (!bundle && fs::is_directory(path)) file = AuthorityCertificate(path);
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem, ReadFileText(file));
  const StatusOr<std::vector<Certificate>> certificates =
      ParseCertificates(pem);
  if (!certificates.ok()) {
    return Annotate(certificates.status(), file.string());
  }
  Status status;
  for (const Certificate& certificate : *certificates) {
    fmt::print("{}\n", file.string());
    PrintCertificate(certificate);
    status.Update(Annotate(CheckValidity(certificate, Now()), file.string()));
  }
  if (IsExposedKey(file, pem)) {
    fmt::print(
        "  warning      other users can read this private key; run "
        "`chmod 600 {}`\n",
        file.string());
  }
  if (bundle)
    status.Update(CheckBundle(TlsFilesIn(path), certificates->front()));
  if (bundle && status.ok()) fmt::print("  checks       all passed\n");
  return status;
}

Status RunShow(const std::vector<fs::path>& paths) {
  Status first;
  for (const fs::path& path : paths) first.Update(ShowOne(path));
  return first;
}

void AddCertificateFlags(CLI::App& command, CertificateFlags& flags) {
  command.add_option("--days", flags.days, "Days until it expires")
      ->capture_default_str();
  command.add_option("--algorithm", flags.algorithm, "p256 or ed25519")
      ->capture_default_str();
  command
      .add_option("--dns", flags.dns_names,
                  "A name at which clients reach the server; may be "
                  "repeated (default: localhost, 127.0.0.1, ::1)")
      ->allow_extra_args(false);
  command
      .add_option("--ip", flags.ip_addresses,
                  "An address at which clients reach the server; may be "
                  "repeated")
      ->allow_extra_args(false);
}

void AddInit(CLI::App& certs, Action& selected) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App* command = certs.add_subcommand(
      "init",
      "Make the authority of a new federation: DIR/ca.pem and "
      "DIR/ca.key");
  command->add_option("DIR", flags->directory, "Made if it does not exist")
      ->required();
  command
      ->add_option("--federation", flags->federation,
                   "Name that every identity starts with")
      ->required();
  command->add_option("--server", flags->server,
                      "Also make the bundle DIR/NAME for a server of this "
                      "name, valid for at most 365 days");
  AddCertificateFlags(*command, flags->certificate);
  for (const char* address : {"--dns", "--ip"}) {
    command->get_option(address)->needs("--server");
  }
  command->callback(
      [flags, &selected] { selected = [flags] { return RunInit(*flags); }; });
}

void AddIssue(CLI::App& certs, Action& selected) {
  auto flags = std::make_shared<IssueFlags>();
  CLI::App* command = certs.add_subcommand(
      "issue",
      "Make the bundle of a member: NAME/identity.pem (key and "
      "certificate) and NAME/ca.pem");
  command
      ->add_option("DIR", flags->directory,
                   "Where `certs init` put the "
                   "authority")
      ->required();
  command
      ->add_option("--role", flags->role, "client, server, admin or evaluator")
      ->capture_default_str();
  command
      ->add_option("--name", flags->names,
                   "Who it is for; may be repeated, one bundle each")
      ->required()
      ->allow_extra_args(false);
  command->add_option("--out", flags->out,
                      "Directory to put the bundles in (default: DIR)");
  command->add_flag("--replace", flags->replace,
                    "Renew: overwrite a bundle that exists");
  AddCertificateFlags(*command, flags->certificate);
  command->callback(
      [flags, &selected] { selected = [flags] { return RunIssue(*flags); }; });
}

void AddShow(CLI::App& certs, Action& selected) {
  auto paths = std::make_shared<std::vector<fs::path>>();
  CLI::App* command = certs.add_subcommand(
      "show",
      "Print what certificates say, and check bundles; fails if one "
      "would not be accepted");
  command->add_option("PATH", *paths, "PEM files or bundle directories")
      ->required();
  command->callback(
      [paths, &selected] { selected = [paths] { return RunShow(*paths); }; });
}

}  // namespace

void AddCertsCommand(CLI::App& app, Action& selected) {
  CLI::App* certs = app.add_subcommand(
      "certs", "Certificates: who may take part, and as what");
  certs->require_subcommand(1);
  AddInit(*certs, selected);
  AddIssue(*certs, selected);
  AddShow(*certs, selected);
}

}  // namespace fedgap
