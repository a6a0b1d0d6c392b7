// `fedgap certs init|issue`: the federation's authority and the bundles of its
// members. The other subcommands of `fedgap certs` are in certs_show.cc and
// certs_revoke.cc.
#include <fmt/format.h>

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

#include "cli/certs_subcommands.h"
#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/tls_files.h"
#include "enrolment/authority_directory.h"

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

Clock::WallTime Now() { return SystemClock().WallNow(); }

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
                   const AuthorityDirectory& directory,
                   const fs::path& bundle) {
  FEDGAP_RETURN_IF_ERROR(directory.Record(credentials.certificate));
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(bundle));
  const TlsFiles files = TlsFilesIn(bundle);
  FEDGAP_RETURN_IF_ERROR(
      WriteTlsFiles(files, credentials, authority.certificate()));
  fmt::print("{:<9} {:<20} {}  until {}\n", RoleName(options.role),
             options.name, bundle.string(),
             FormatUtc(credentials.certificate.NotAfter()));
  return absl::OkStatus();
}

Status RunInit(const InitFlags& flags) {
  const AuthorityDirectory directory(flags.directory);
  const fs::path key_path = directory.key();
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
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(flags.directory));
  FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(directory.certificate(),
                                         authority.certificate().ToPem()));
  FEDGAP_RETURN_IF_ERROR(
      WriteFileAtomic(key_path, authority.key().ToPem(), {.mode = 0600}));
  fmt::print("authority of federation {} in {}; keep ca.key here and secret\n",
             flags.federation, flags.directory.string());
  if (!credentials.has_value()) return absl::OkStatus();
  return WriteBundle(authority, server, *credentials, directory,
                     flags.directory / flags.server);
}

Status RunIssue(const IssueFlags& flags) {
  const AuthorityDirectory directory(flags.directory);
  FEDGAP_ASSIGN_OR_RETURN(const CertificateAuthority authority,
                          directory.Read());
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
    FEDGAP_RETURN_IF_ERROR(WriteBundle(authority, options, credentials,
                                       directory, out / options.name));
  }
  fmt::print(
      "copy each directory to its owner's machine; identity.pem is a "
      "secret\n");
  return absl::OkStatus();
}

void AddCertificateFlags(CLI::App& command, CertificateFlags& flags) {
  command.add_option("--days", flags.days, "Days until it expires")
      ->capture_default_str();
  command.add_option("--algorithm", flags.algorithm, "Of the key")
      ->type_name("p256|ed25519")
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
      ->type_name("DIR")
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
  command->footer(
      "Examples:\n"
      "  fedgap certs init ca --federation demo --server server --dns "
      "fl.example.org");
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
      ->type_name("DIR")
      ->required();
  command->add_option("--role", flags->role, "What it may do")
      ->type_name(kRoleChoices)
      ->capture_default_str();
  command
      ->add_option("--name", flags->names,
                   "Who it is for; may be repeated, one bundle each")
      ->required()
      ->allow_extra_args(false);
  command
      ->add_option("--out", flags->out,
                   "Directory to put the bundles in (default: DIR)")
      ->type_name("DIR");
  command->add_flag("--replace", flags->replace,
                    "Renew: overwrite a bundle that exists");
  AddCertificateFlags(*command, flags->certificate);
  command->footer(
      "Examples:\n"
      "  fedgap certs issue ca --name site-1 --name site-2 --out bundles\n"
      "  fedgap certs issue ca --name ops --role admin --out bundles");
  command->callback(
      [flags, &selected] { selected = [flags] { return RunIssue(*flags); }; });
}

}  // namespace

void AddCertsCommand(CLI::App& app, Action& selected) {
  CLI::App* certs = app.add_subcommand(
      "certs", "Certificates: who may take part, and as what");
  certs->require_subcommand(1);
  AddInit(*certs, selected);
  AddIssue(*certs, selected);
  AddCertsShow(*certs, selected);
  AddCertsList(*certs, selected);
  AddCertsRevoke(*certs, selected);
  AddCertsEnrolment(*certs, selected);
  certs->footer(
      "docs/SECURITY.md says who needs which certificate.\n\n"
      "Examples:\n"
      "  fedgap certs init ca --federation demo --server server --dns "
      "fl.example.org\n"
      "  fedgap certs issue ca --name site-1 --name site-2 --out bundles\n"
      "  fedgap certs show bundles/site-1");
}

}  // namespace fedgap
