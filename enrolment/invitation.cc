#include "enrolment/invitation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/crypto/secure_random.h"

namespace fedgap {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "fg1.";
constexpr std::size_t kSecretDigits = 32;
constexpr std::size_t kFingerprintDigits = 64;

bool IsHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

int ValueOf(char digit) {
  return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

std::int64_t SecondsOf(Clock::WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(
             time.time_since_epoch())
      .count();
}

Json ToJson(const Invitation& invitation) {
  Json enrolled = Json::array();
  for (const EnrolledKey& one : invitation.enrolled) {
    enrolled.push_back({{"key", one.key}, {"serial", one.serial}});
  }
  return {{"name", invitation.name},
          {"numbered", invitation.numbered},
          {"role", std::string(RoleName(invitation.role))},
          {"uses", invitation.uses},
          {"expires", SecondsOf(invitation.expires)},
          {"days", invitation.validity.count()},
          {"enrolled", std::move(enrolled)}};
}

// Throws nlohmann's exceptions, which the caller turns into a status.
Invitation FromJson(const Json& json) {
  Invitation invitation;
  invitation.name = json.at("name");
  invitation.numbered = json.at("numbered");
  invitation.role = ParseRole(json.at("role").get<std::string>()).value();
  invitation.uses = json.at("uses");
  invitation.expires = Clock::WallTime(
      std::chrono::seconds(json.at("expires").get<std::int64_t>()));
  invitation.validity = std::chrono::days(json.at("days").get<int>());
  for (const Json& one : json.at("enrolled")) {
    invitation.enrolled.push_back({one.at("key"), one.at("serial")});
  }
  return invitation;
}

StatusOr<Invitation> ReadInvitation(const std::filesystem::path& file) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string text, ReadFileText(file));
  try {
    return FromJson(Json::parse(text));
  } catch (const std::exception& error) {
    return absl::DataLossError(
        fmt::format("{} is damaged: {}", file.string(), error.what()));
  }
}

Status Check(const Invitation& invitation) {
  // The longest number that a name may end in.
  const std::string longest =
      invitation.name + (invitation.numbered ? "1000000" : "");
  FEDGAP_RETURN_IF_ERROR(ValidateName(longest, "the name"));
  if (invitation.role == Role::kServer) {
    return absl::InvalidArgumentError(
        "a server's certificate names its addresses: make it with `fedgap "
        "certs issue --role server`");
  }
  if (invitation.uses < 1 || invitation.uses > 1000000 ||
      (!invitation.numbered && invitation.uses != 1)) {
    return absl::InvalidArgumentError(fmt::format(
        "an invitation for {} certificates of one name; give --prefix for "
        "several, each with a number",
        invitation.uses));
  }
  return absl::OkStatus();
}

}  // namespace

std::string EnrolmentToken::ToString() const {
  return fmt::format("{}{}.{}", kPrefix, secret, ToHex(authority));
}

StatusOr<EnrolmentToken> EnrolmentToken::Parse(std::string_view text) {
  constexpr std::size_t kLength =
      kPrefix.size() + kSecretDigits + 1 + kFingerprintDigits;
  const auto secret = text.substr(std::min(text.size(), kPrefix.size()))
                          .substr(0, kSecretDigits);
  const auto digits =
      text.size() == kLength ? text.substr(kLength - kFingerprintDigits) : "";
  if (!text.starts_with(kPrefix) || text.size() != kLength ||
      text[kPrefix.size() + kSecretDigits] != '.' || !IsHex(secret) ||
      !IsHex(digits)) {
    return absl::InvalidArgumentError(fmt::format(
        "this is no whole token of `fedgap certs invite`, which has {} "
        "characters and begins with {}",
        kLength, kPrefix));
  }
  EnrolmentToken token;
  token.secret = secret;
  for (std::size_t i = 0; i < token.authority.size(); ++i) {
    token.authority[i] = static_cast<std::uint8_t>(ValueOf(digits[2 * i]) * 16 +
                                                   ValueOf(digits[2 * i + 1]));
  }
  return token;
}

int Invitation::Left(Clock::WallTime now) const {
  return now > expires ? 0 : uses - static_cast<int>(enrolled.size());
}

std::filesystem::path InvitationBook::FileOf(const std::string& secret) const {
  const Sha256Digest digest = Sha256Of(std::span(
      reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()));
  return directory_ / (ToHex(digest) + ".json");
}

StatusOr<std::string> InvitationBook::Add(const Invitation& invitation) const {
  FEDGAP_RETURN_IF_ERROR(Check(invitation));
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(directory_));
  std::string secret = RandomHex(kSecretDigits / 2);
  FEDGAP_RETURN_IF_ERROR(Update(secret, invitation));
  return secret;
}

StatusOr<Invitation> InvitationBook::Find(const std::string& secret) const {
  StatusOr<Invitation> found = ReadInvitation(FileOf(secret));
  if (!absl::IsNotFound(found.status())) return found;
  return absl::NotFoundError("no invitation has this token");
}

StatusOr<std::vector<InvitationBook::Entry>> InvitationBook::OpenEntries(
    Clock::WallTime now) const {
  std::vector<Entry> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory_, error), end;
       !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".json") continue;
    FEDGAP_ASSIGN_OR_RETURN(Invitation invitation, ReadInvitation(it->path()));
    if (invitation.Left(now) > 0) {
      entries.push_back({it->path(), std::move(invitation)});
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return ErrnoStatus(error.value(), "list", directory_);
  }
  return entries;
}

StatusOr<std::vector<Invitation>> InvitationBook::Open(
    Clock::WallTime now) const {
  FEDGAP_ASSIGN_OR_RETURN(std::vector<Entry> entries, OpenEntries(now));
  std::vector<Invitation> open;
  for (Entry& entry : entries) open.push_back(std::move(entry.invitation));
  std::ranges::sort(open, {}, [](const Invitation& invitation) {
    return std::pair(invitation.name, invitation.expires);
  });
  return open;
}

StatusOr<int> InvitationBook::Withdraw(const std::string& name,
                                       Clock::WallTime now) const {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<Entry> entries, OpenEntries(now));
  int withdrawn = 0;
  for (const auto& [file, invitation] : entries) {
    if (invitation.name != name) continue;
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) return ErrnoStatus(error.value(), "remove", file);
    ++withdrawn;
  }
  return withdrawn;
}

Status InvitationBook::Update(const std::string& secret,
                              const Invitation& invitation) const {
  return WriteFileAtomic(FileOf(secret), ToJson(invitation).dump(1) + "\n",
                         {.mode = 0600});
}

}  // namespace fedgap
