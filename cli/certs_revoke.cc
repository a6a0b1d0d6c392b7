// `fedgap certs list` and `fedgap certs revoke`: what an authority issued,
// what of it no longer counts, and who is invited.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/certs_subcommands.h"
#include "cli/terminal.h"
#include "common/base/clock.h"
#include "common/base/did_you_mean.h"
#include "enrolment/authority_directory.h"
#include "enrolment/invitation.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct RevokeFlags {
  fs::path directory;
  std::vector<std::string> names;
  std::string role;  // empty: every role of the name
  std::vector<std::string> serials;
  std::vector<std::string> invitations;
};

// An authority and what it has done so far.
struct Records {
  CertificateAuthority authority;
  std::vector<Certificate> issued;
  std::optional<RevocationList> revoked;

  std::optional<Clock::WallTime> RevokedAt(const std::string& serial) const {
    return revoked.has_value() ? revoked->RevokedAt(serial) : std::nullopt;
  }
};

StatusOr<Records> ReadRecords(const AuthorityDirectory& directory) {
  FEDGAP_ASSIGN_OR_RETURN(CertificateAuthority authority, directory.Read());
  FEDGAP_ASSIGN_OR_RETURN(std::vector<Certificate> issued,
                          directory.Issued(authority));
  FEDGAP_ASSIGN_OR_RETURN(std::optional<RevocationList> revoked,
                          directory.ReadRevocations(authority));
  return Records{std::move(authority), std::move(issued), std::move(revoked)};
}

std::string RoleOf(const Certificate& certificate) {
  const StatusOr<Identity> identity = certificate.GetIdentity();
  return identity.ok() ? std::string(RoleName(identity->role)) : "?";
}

std::string NameOf(const Certificate& certificate) {
  const StatusOr<Identity> identity = certificate.GetIdentity();
  return identity.ok() ? identity->name : "?";
}

TextTable::Cell StateOf(const Records& records, const Certificate& certificate,
                        Clock::WallTime now) {
  const auto revoked = records.RevokedAt(certificate.SerialNumber());
  if (revoked.has_value()) {
    return {"revoked on " + FormatUtc(*revoked), Ink::kRed};
  }
  if (now > certificate.NotAfter()) return {"expired", Ink::kDim};
  if (now < certificate.NotBefore()) return {"not valid yet", Ink::kYellow};
  const auto left =
      std::chrono::floor<std::chrono::days>(certificate.NotAfter() - now);
  return {fmt::format("valid, {} days left", left.count()), Ink::kGreen};
}

Status PrintInvitations(const AuthorityDirectory& directory,
                        Clock::WallTime now) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<Invitation> open,
                          InvitationBook(directory.invitations()).Open(now));
  if (open.empty()) return absl::OkStatus();
  TextTable table(
      {{"open invitation"}, {"role"}, {"left", true}, {"good until"}});
  for (const Invitation& invitation : open) {
    table.Add({invitation.name + (invitation.numbered ? "1, 2, ..." : ""),
               std::string(RoleName(invitation.role)),
               fmt::format("{}", invitation.Left(now)),
               FormatUtc(invitation.expires)});
  }
  fmt::print("\n{}", table.ToString(ShowsColour(stdout)));
  return absl::OkStatus();
}

Status RunList(const AuthorityDirectory& directory) {
  FEDGAP_ASSIGN_OR_RETURN(const Records records, ReadRecords(directory));
  const Clock::WallTime now = SystemClock().WallNow();
  TextTable table({{"name"}, {"role"}, {"serial"}, {"valid until"}, {"state"}});
  for (const Certificate& certificate : records.issued) {
    table.Add({NameOf(certificate), RoleOf(certificate),
               certificate.SerialNumber(), FormatUtc(certificate.NotAfter()),
               StateOf(records, certificate, now)});
  }
  fmt::print(
      "federation {}, {} certificates, {} revoked\n{}",
      records.authority.federation(), records.issued.size(),
      records.revoked.has_value() ? records.revoked->Revocations().size() : 0,
      table.ToString(ShowsColour(stdout)));
  return PrintInvitations(directory, now);
}

// The serial numbers of a name's certificates, of one role or of all; those
// that have expired need no revoking.
StatusOr<std::vector<std::string>> SerialsOf(const Records& records,
                                             const std::string& name,
                                             const std::string& role,
                                             Clock::WallTime now) {
  std::vector<std::string> serials;
  std::vector<std::string> known;
  for (const Certificate& certificate : records.issued) {
    if (!role.empty() && RoleOf(certificate) != role) continue;
    known.push_back(NameOf(certificate));
    if (NameOf(certificate) != name) continue;
    if (now <= certificate.NotAfter()) {
      serials.push_back(certificate.SerialNumber());
    }
  }
  if (!serials.empty()) return serials;
  return absl::NotFoundError(fmt::format(
      "no unexpired certificate of {}{} is recorded here{}; see `fedgap certs "
      "list`, or give --serial",
      name, role.empty() ? "" : " with role " + role,
      std::ranges::count(known, name) > 0 ? "" : DidYouMean(name, known)));
}

StatusOr<std::set<std::string>> Chosen(const Records& records,
                                       const RevokeFlags& flags,
                                       Clock::WallTime now) {
  std::set<std::string> chosen(flags.serials.begin(), flags.serials.end());
  if (!flags.role.empty()) {
    FEDGAP_RETURN_IF_ERROR(ParseRole(flags.role).status());
  }
  for (const std::string& name : flags.names) {
    FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::string> serials,
                            SerialsOf(records, name, flags.role, now));
    chosen.insert(serials.begin(), serials.end());
  }
  if (!chosen.empty()) return chosen;
  return absl::InvalidArgumentError(
      "revoke what? Give a NAME of `fedgap certs list`, --serial or "
      "--invitation");
}

std::string Described(const Records& records, const std::string& serial) {
  for (const Certificate& certificate : records.issued) {
    if (certificate.SerialNumber() == serial) {
      return fmt::format("{} {} (serial {})", RoleOf(certificate),
                         NameOf(certificate), serial);
    }
  }
  return "serial " + serial;
}

Status Withdraw(const AuthorityDirectory& directory,
                const std::vector<std::string>& names) {
  const InvitationBook book(directory.invitations());
  const Clock::WallTime now = SystemClock().WallNow();
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<Invitation> open, book.Open(now));
  std::vector<std::string> known;
  for (const Invitation& invitation : open) known.push_back(invitation.name);
  for (const std::string& name : names) {
    if (std::ranges::count(known, name) > 0) continue;
    return absl::NotFoundError(fmt::format(
        "there is no open invitation of '{}'{}; see `fedgap certs list`, and "
        "name one of several sites by its prefix",
        name, DidYouMean(name, known)));
  }
  for (const std::string& name : names) {
    FEDGAP_ASSIGN_OR_RETURN(const int withdrawn, book.Withdraw(name, now));
    fmt::print("{} of {} withdrawn\n",
               withdrawn == 1 ? "the invitation" : "the invitations", name);
  }
  return absl::OkStatus();
}

Status RunRevoke(const RevokeFlags& flags) {
  const AuthorityDirectory directory(flags.directory);
  if (!flags.invitations.empty()) {
    FEDGAP_RETURN_IF_ERROR(directory.Read().status());
    FEDGAP_RETURN_IF_ERROR(Withdraw(directory, flags.invitations));
    if (flags.names.empty() && flags.serials.empty()) return absl::OkStatus();
  }
  FEDGAP_ASSIGN_OR_RETURN(const Records records, ReadRecords(directory));
  const Clock::WallTime now = SystemClock().WallNow();
  FEDGAP_ASSIGN_OR_RETURN(const std::set<std::string> chosen,
                          Chosen(records, flags, now));
  std::vector<Revocation> revocations;
  if (records.revoked.has_value()) revocations = records.revoked->Revocations();
  std::vector<std::string> lines;
  for (const std::string& serial : chosen) {
    const auto already = records.RevokedAt(serial);
    if (!already.has_value()) revocations.push_back({serial, now});
    lines.push_back(fmt::format("{}: {}", Described(records, serial),
                                already.has_value()
                                    ? "was revoked on " + FormatUtc(*already)
                                    : "revoked"));
  }
  const std::int64_t number =
      records.revoked.has_value() ? records.revoked->Number() + 1 : 1;
  FEDGAP_ASSIGN_OR_RETURN(
      const RevocationList list,
      records.authority.SignRevocations(revocations, number, now));
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<fs::path> written,
                          directory.WriteRevocations(records.authority, list));
  for (const std::string& line : lines) fmt::print("{}\n", line);
  for (const fs::path& path : written) fmt::print("wrote {}\n", path.string());
  fmt::print(
      "copy {} beside the identity.pem of each server that is elsewhere; a "
      "running server takes it at once\n",
      directory.revocations().string());
  return absl::OkStatus();
}

}  // namespace

void AddCertsList(CLI::App& certs, Action& selected) {
  auto directory = std::make_shared<fs::path>();
  CLI::App* command = certs.add_subcommand(
      "list",
      "Print what the authority issued, what of it is revoked, and who is "
      "invited");
  command->add_option("DIR", *directory, "Where `certs init` put the authority")
      ->type_name("DIR")
      ->required();
  command->footer("Examples:\n  fedgap certs list ca");
  command->callback([directory, &selected] {
    selected = [directory] { return RunList(AuthorityDirectory(*directory)); };
  });
}

void AddCertsRevoke(CLI::App& certs, Action& selected) {
  auto flags = std::make_shared<RevokeFlags>();
  CLI::App* command = certs.add_subcommand(
      "revoke",
      "Declare certificates void: rewrites DIR/crl.pem, which servers obey");
  command
      ->add_option("DIR", flags->directory,
                   "Where `certs init` put the authority")
      ->type_name("DIR")
      ->required();
  command->add_option("NAME", flags->names,
                      "Whose certificates, every one that has not expired");
  command->add_option("--role", flags->role, "Only those of this role")
      ->type_name(kRoleChoices);
  command
      ->add_option("--serial", flags->serials,
                   "One certificate, by its serial number; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--invitation", flags->invitations,
                   "Withdraw the open invitations of this name or prefix: "
                   "their tokens count no longer; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  fedgap certs revoke ca site-1\n"
      "  fedgap certs revoke ca --invitation site-7\n"
      "  fedgap certs revoke ca ops --role admin");
  command->callback(
      [flags, &selected] { selected = [flags] { return RunRevoke(*flags); }; });
}

}  // namespace fedgap
