#include "enrolment/invitation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
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
constexpr int kMaxUses = 1'000'000;
// Sums of these and of the time now are far from the end of 64 bits of
// nanoseconds.
constexpr std::int64_t kLastSecond = 7'000'000'000;  // in the year 2191
constexpr std::int64_t kMostDays = 36500;

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

// The functions that read throw, nlohmann's exceptions among others;
// ParseInvitation turns them into a status.
std::int64_t IntegerIn(const Json& json, std::int64_t min, std::int64_t max) {
  // Not of a real number, whose conversion may be undefined.
  if (json.is_number_integer() && json >= min && json <= max) return json;
  throw std::out_of_range(fmt::format(
      "{} is no whole number from {} to {}",
      json.dump(-1, ' ', true, Json::error_handler_t::replace), min, max));
}

EnrolledKey EnrolledFrom(const Json& json) {
  EnrolledKey one{.key = json.at("key"), .serial = json.at("serial")};
  // Both lead to files.
  if (!IsHex(one.key) || !IsHex(one.serial) || one.serial.empty()) {
    throw std::out_of_range("an enrolled key is no hexadecimal number");
  }
  return one;
}

Invitation FromJson(const Json& json) {
  Invitation invitation;
  invitation.name = json.at("name");
  invitation.numbered = json.at("numbered");
  invitation.role = ParseRole(json.at("role").get<std::string>()).value();
  invitation.uses = static_cast<int>(IntegerIn(json.at("uses"), 1, kMaxUses));
  invitation.expires = Clock::WallTime(
      std::chrono::seconds(IntegerIn(json.at("expires"), 0, kLastSecond)));
  invitation.validity =
      std::chrono::days(IntegerIn(json.at("days"), 1, kMostDays));
  for (const Json& one : json.at("enrolled")) {
    invitation.enrolled.push_back(EnrolledFrom(one));
  }
  return invitation;
}

StatusOr<Invitation> ReadInvitation(const std::filesystem::path& file) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string text, ReadFileText(file));
  StatusOr<Invitation> invitation = ParseInvitation(text);
  if (invitation.ok()) return invitation;
  return Annotate(invitation.status(), file.string());
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
  if (SecondsOf(invitation.expires) > kLastSecond ||
      invitation.validity < std::chrono::days(1) ||
      invitation.validity > std::chrono::days(kMostDays)) {
    return absl::InvalidArgumentError(fmt::format(
        "an invitation for certificates of {} days, or one that expires after "
        "2190; give 1 to {} days",
        invitation.validity.count(), kMostDays));
  }
  if (invitation.uses < 1 || invitation.uses > kMaxUses ||
      (!invitation.numbered && invitation.uses != 1)) {
    return absl::InvalidArgumentError(fmt::format(
        "an invitation for {} certificates of one name; give --prefix for "
        "several, each with a number",
        invitation.uses));
  }
  return absl::OkStatus();
}

}  // namespace

std::string ToJson(const Invitation& invitation) {
  Json enrolled = Json::array();
  for (const EnrolledKey& one : invitation.enrolled) {
    enrolled.push_back({{"key", one.key}, {"serial", one.serial}});
  }
  const Json json = {{"name", invitation.name},
                     {"numbered", invitation.numbered},
                     {"role", std::string(RoleName(invitation.role))},
                     {"uses", invitation.uses},
                     {"expires", SecondsOf(invitation.expires)},
                     {"days", invitation.validity.count()},
                     {"enrolled", std::move(enrolled)}};
  return json.dump(1) + "\n";
}

StatusOr<Invitation> ParseInvitation(std::string_view json) {
  try {
    Invitation invitation = FromJson(Json::parse(json));
    const Status status = Check(invitation);
    if (status.ok()) return invitation;
    return absl::DataLossError("damaged: " + MessageOf(status));
  } catch (const std::exception& error) {
    return absl::DataLossError(fmt::format("damaged: {}", error.what()));
  }
}

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
  return WriteFileAtomic(FileOf(secret), ToJson(invitation), {.mode = 0600});
}

}  // namespace fedgap
