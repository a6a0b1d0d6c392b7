// `fedgap certs invite|serve|enrol`: a site fetches its certificate itself, so
// that its private key is made where it is used and never travels.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/certs_subcommands.h"
#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/base/signal_waiter.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/server_address.h"
#include "enrolment/authority_directory.h"
#include "enrolment/enrol.h"
#include "enrolment/enrolment_server.h"
#include "enrolment/invitation.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct InviteFlags {
  fs::path directory;
  std::string name;
  std::string prefix;
  int uses = 1;
  std::string role = "client";
  int hours = 24;
  int days = 365;
  fs::path out;
};

struct ServeFlags {
  fs::path directory;
  std::string listen = "0.0.0.0:7444";
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  fs::path port_file;
};

struct EnrolFlags {
  fs::path bundle;
  std::string server;
  std::string token;
  fs::path token_file;
  std::string algorithm = "p256";
  bool replace = false;
};

// Says so where somebody of the invitation's name has a certificate already:
// the site renews, or a name is used twice by mistake.
Status WarnOfAnother(const AuthorityDirectory& directory,
                     const CertificateAuthority& authority,
                     const Invitation& invitation) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<Certificate> issued,
                          directory.Issued(authority));
  FEDGAP_ASSIGN_OR_RETURN(const std::optional<RevocationList> revoked,
                          directory.ReadRevocations(authority));
  const Clock::WallTime now = SystemClock().WallNow();
  for (const Certificate& certificate : issued) {
    const StatusOr<Identity> identity = certificate.GetIdentity();
    const std::string serial = certificate.SerialNumber();
    const bool is_same = !invitation.numbered && identity.ok() &&
                         identity->name == invitation.name &&
                         identity->role == invitation.role;
    const bool is_revoked =
        revoked.has_value() && revoked->RevokedAt(serial).has_value();
    if (!is_same || is_revoked || now > certificate.NotAfter()) continue;
    fmt::print(stderr,
               "fedgap: warning: {} {} has a certificate until {} already "
               "(serial {}); it stays good beside the new one unless you "
               "revoke it by --serial\n",
               RoleName(invitation.role), invitation.name,
               FormatUtc(certificate.NotAfter()), serial);
  }
  return absl::OkStatus();
}

Status RunInvite(const InviteFlags& flags) {
  const AuthorityDirectory directory(flags.directory);
  FEDGAP_ASSIGN_OR_RETURN(const CertificateAuthority authority,
                          directory.Read());
  if (flags.name.empty() == flags.prefix.empty()) {
    return absl::InvalidArgumentError(
        "whom to invite? Give --name for one site, or --prefix and --uses for "
        "several that are numbered");
  }
  constexpr int kMostHours = 24 * 36500;
  if (flags.hours > kMostHours) {
    return absl::InvalidArgumentError(
        fmt::format("a token cannot count for {} hours; give up to {}",
                    flags.hours, kMostHours));
  }
  Invitation invitation{
      .name = flags.name + flags.prefix,
      .numbered = flags.name.empty(),
      .uses = flags.uses,
      .expires = SystemClock().WallNow() + std::chrono::hours(flags.hours),
      .validity = std::chrono::days(flags.days)};
  FEDGAP_ASSIGN_OR_RETURN(invitation.role, ParseRole(flags.role));
  const InvitationBook book(directory.invitations());
  EnrolmentToken token{.secret = {},
                       .authority = authority.certificate().Fingerprint()};
  FEDGAP_ASSIGN_OR_RETURN(token.secret, book.Add(invitation));
  FEDGAP_RETURN_IF_ERROR(WarnOfAnother(directory, authority, invitation));
  if (!flags.out.empty()) {
    FEDGAP_RETURN_IF_ERROR(
        WriteFileAtomic(flags.out, token.ToString() + "\n", {.mode = 0600}));
    fmt::print("wrote {}, good until {}\n", flags.out.string(),
               FormatUtc(invitation.expires));
    return absl::OkStatus();
  }
  // The token alone goes to stdout, so that `> token` makes its file.
  fmt::print("{}\n", token.ToString());
  fmt::print(stderr,
             "good for {} certificate{} until {}; who has it can enrol: give "
             "it to the site and to nobody else. There:\n"
             "  fedgap certs enrol BUNDLE --server HOST:7444 --token TOKEN\n",
             flags.uses, flags.uses == 1 ? "" : "s",
             FormatUtc(invitation.expires));
  return absl::OkStatus();
}

// A new certificate for the enrolment server itself, with key and chain in one
// file beside the invitations.
StatusOr<fs::path> WriteServerIdentity(const CertificateAuthority& authority,
                                       const AuthorityDirectory& directory,
                                       const ServeFlags& flags) {
  IssueOptions options{.role = Role::kServer,
                       .name = "enrolment",
                       .dns_names = flags.dns_names,
                       .ip_addresses = flags.ip_addresses};
  if (options.dns_names.empty() && options.ip_addresses.empty()) {
    options.dns_names = {"localhost"};
    options.ip_addresses = {"127.0.0.1", "::1"};
  }
  FEDGAP_ASSIGN_OR_RETURN(const Credentials credentials,
                          authority.Issue(options, SystemClock().WallNow()));
  FEDGAP_RETURN_IF_ERROR(directory.Record(credentials.certificate));
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(directory.invitations()));
  fs::path path = directory.invitations() / "server.pem";
  FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(path,
                                         credentials.key.ToPem() +
                                             credentials.certificate.ToPem() +
                                             authority.certificate().ToPem(),
                                         {.mode = 0600}));
  return path;
}

Status RunServe(const ServeFlags& flags) {
  std::promise<void> interrupted;
  SignalWaiter signals([&interrupted](int) { interrupted.set_value(); });
  const AuthorityDirectory directory(flags.directory);
  FEDGAP_ASSIGN_OR_RETURN(CertificateAuthority authority, directory.Read());
  FEDGAP_ASSIGN_OR_RETURN(const ServerAddress address,
                          ParseServerAddress(flags.listen));
  FEDGAP_ASSIGN_OR_RETURN(const fs::path identity,
                          WriteServerIdentity(authority, directory, flags));
  Enrolment enrolment(directory, std::move(authority));
  const SystemClock clock;
  FEDGAP_ASSIGN_OR_RETURN(
      const auto server,
      EnrolmentServer::Start({.host = address.host,
                              .port = address.port,
                              .identity = identity,
                              .say =
                                  [](const std::string& line) {
                                    fmt::print("{}\n", line);
                                    std::fflush(stdout);
                                  }},
                             enrolment, clock));
  if (!flags.port_file.empty()) {
    FEDGAP_RETURN_IF_ERROR(
        WriteFileAtomic(flags.port_file, fmt::format("{}\n", server->port())));
  }
  fmt::print("enrolment for federation {} on port {}\nCtrl-C ends it.\n",
             enrolment.authority().federation(), server->port());
  std::fflush(stdout);
  interrupted.get_future().wait();
  return absl::OkStatus();
}

StatusOr<EnrolmentToken> ReadToken(const EnrolFlags& flags) {
  if (flags.token.empty() == flags.token_file.empty()) {
    return absl::InvalidArgumentError(
        "give the token of `fedgap certs invite`, by --token or --token-file");
  }
  std::string text = flags.token;
  if (!flags.token_file.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(text, ReadFileText(flags.token_file));
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return EnrolmentToken::Parse(text);
}

Status RunEnrol(const EnrolFlags& flags) {
  const TlsFiles files = TlsFilesIn(flags.bundle);
  if (fs::exists(files.identity) && !flags.replace) {
    const auto own =
        LoadTlsFiles(files, TlsEnd::kClient, SystemClock().WallNow());
    if (!own.ok()) {
      return Annotate(own.status(),
                      "there is a bundle already, which cannot be used (give "
                      "--replace to enrol anew)");
    }
    fmt::print("{} is the bundle of {} already; nothing to do\n",
               flags.bundle.string(), own->identity.name);
    return absl::OkStatus();
  }
  EnrolOptions options;
  FEDGAP_ASSIGN_OR_RETURN(options.server, ParseServerAddress(flags.server));
  FEDGAP_ASSIGN_OR_RETURN(options.token, ReadToken(flags));
  FEDGAP_ASSIGN_OR_RETURN(options.algorithm,
                          ParseKeyAlgorithm(flags.algorithm));
  options.bundle = flags.bundle;
  FEDGAP_ASSIGN_OR_RETURN(const Identity identity,
                          Enrol(options, SystemClock().WallNow()));
  fmt::print("{} is the bundle of {} {} of federation {}\n",
             flags.bundle.string(), RoleName(identity.role), identity.name,
             identity.federation);
  return absl::OkStatus();
}

void AddInvite(CLI::App& certs, Action& selected) {
  auto flags = std::make_shared<InviteFlags>();
  CLI::App* command = certs.add_subcommand(
      "invite", "Make a token with which a site can fetch its certificate");
  command
      ->add_option("DIR", flags->directory,
                   "Where `certs init` put the authority")
      ->type_name("DIR")
      ->required();
  command->add_option("--name", flags->name, "Whom it is for")
      ->type_name("NAME");
  command
      ->add_option("--prefix", flags->prefix,
                   "For several: names are this and a number")
      ->type_name("PREFIX");
  command
      ->add_option("--uses", flags->uses,
                   "With --prefix: certificates that may be fetched")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--role", flags->role, "What they may do")
      ->type_name(kRoleChoices)
      ->capture_default_str();
  command->add_option("--hours", flags->hours, "How long the token is good")
      ->type_name("N")
      ->check(CLI::Range(1, 24 * 365))
      ->capture_default_str();
  command->add_option("--days", flags->days, "Days until a certificate expires")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--out", flags->out,
                   "Write the token to this file, and print it not")
      ->type_name("FILE");
  command->footer(
      "Examples:\n"
      "  fedgap certs invite ca --name site-7\n"
      "  fedgap certs invite ca --prefix camera- --uses 50 --hours 1 --out "
      "token");
  command->callback(
      [flags, &selected] { selected = [flags] { return RunInvite(*flags); }; });
}

void AddServe(CLI::App& certs, Action& selected) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = certs.add_subcommand(
      "serve",
      "Give certificates to sites that have a token, until Ctrl-C. Runs where "
      "the authority's key is");
  command
      ->add_option("DIR", flags->directory,
                   "Where `certs init` put the authority")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--listen", flags->listen,
                   "Address and port; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command
      ->add_option("--dns", flags->dns_names,
                   "A name at which sites reach it; may be repeated (default: "
                   "localhost, 127.0.0.1, ::1)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--ip", flags->ip_addresses,
                   "An address at which sites reach it; may be repeated")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  command
      ->add_option("--port-file", flags->port_file,
                   "Write the port to this file once it listens")
      ->type_name("FILE");
  command->footer(
      "Examples:\n"
      "  fedgap certs serve ca --dns enrol.example.org");
  command->callback(
      [flags, &selected] { selected = [flags] { return RunServe(*flags); }; });
}

void AddEnrol(CLI::App& certs, Action& selected) {
  auto flags = std::make_shared<EnrolFlags>();
  CLI::App* command = certs.add_subcommand(
      "enrol",
      "Fetch a certificate with a token: makes the key here and writes the "
      "bundle. Nothing happens where there is one");
  command
      ->add_option("BUNDLE", flags->bundle, "The directory of the new bundle")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--server", flags->server,
                   "Where `certs serve` runs, such as ca.example.org:7444")
      ->type_name("HOST:PORT")
      ->required();
  command->add_option("--token", flags->token, "Of `certs invite`")
      ->type_name("TOKEN");
  command
      ->add_option("--token-file", flags->token_file,
                   "A file with the token: others can read a command line")
      ->type_name("FILE");
  command->add_option("--algorithm", flags->algorithm, "Of the key")
      ->type_name("p256|ed25519")
      ->capture_default_str();
  command->add_flag("--replace", flags->replace,
                    "Enrol although there is a bundle");
  command->footer(
      "Examples:\n"
      "  fedgap certs enrol bundle --server ca.example.org:7444 --token-file "
      "token");
  command->callback(
      [flags, &selected] { selected = [flags] { return RunEnrol(*flags); }; });
}

}  // namespace

void AddCertsEnrolment(CLI::App& certs, Action& selected) {
  AddInvite(certs, selected);
  AddServe(certs, selected);
  AddEnrol(certs, selected);
}

}  // namespace fedgap
