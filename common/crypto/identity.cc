#include "common/crypto/identity.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/did_you_mean.h"

namespace fedgap {
namespace {

constexpr std::string_view kPrefix = "spiffe://fedgap/";

constexpr std::array<std::pair<Role, std::string_view>, 4> kRoles = {{
    {Role::kClient, "client"},
    {Role::kServer, "server"},
    {Role::kAdmin, "admin"},
    {Role::kEvaluator, "evaluator"},
}};

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

bool IsNameCharacter(char c) {
  return IsLetterOrDigit(c) || c == '.' || c == '_' || c == '-';
}

// A character for a message: itself if it prints, else its code.
std::string Shown(char c) {
  const auto code = static_cast<unsigned char>(c);
  return code > 0x20 && code < 0x7f ? fmt::format("'{}'", c)
                                    : fmt::format("byte 0x{:02x}", code);
}

Status NotAnIdentity(std::string_view why) {
  return absl::InvalidArgumentError(fmt::format(
      "not a fedgap identity: {}; the form is {}FEDERATION/ROLE/NAME", why,
      kPrefix));
}

// The parts of what follows the prefix, cut at each '/'.
StatusOr<std::vector<std::string_view>> SplitPath(std::string_view uri) {
  if (!uri.starts_with(kPrefix)) {
    return NotAnIdentity(
        fmt::format("the URI does not start with {}", kPrefix));
  }
  uri.remove_prefix(kPrefix.size());
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = uri.find('/');
    parts.push_back(uri.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    uri.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string_view RoleName(Role role) {
  for (const auto& [known, name] : kRoles) {
    if (known == role) return name;
  }
  FEDGAP_CHECK(false && "a role without a name");
}

StatusOr<Role> ParseRole(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& [role, name] : kRoles) {
    if (text == name) return role;
    names.emplace_back(name);
  }
  return absl::InvalidArgumentError(
      fmt::format("unknown role; the roles are {}{}", fmt::join(names, ", "),
                  DidYouMean(text.substr(0, kMaxNameLength), names)));
}

Status ValidateName(std::string_view name, std::string_view what,
                    std::size_t max_length) {
  if (name.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{} is empty; give 1 to {} characters", what, max_length));
  }
  if (name.size() > max_length) {
    return absl::InvalidArgumentError(
        fmt::format("{} has {} characters; at most {} are allowed", what,
                    name.size(), max_length));
  }
  for (const char c : name) {
    if (IsNameCharacter(c)) continue;
    return absl::InvalidArgumentError(
        fmt::format("{} has the character {}; allowed are a-z A-Z 0-9 . _ -",
                    what, Shown(c)));
  }
  if (!IsLetterOrDigit(name.front())) {
    return absl::InvalidArgumentError(
        fmt::format("{} starts with {}; it must start with a letter or a digit",
                    what, Shown(name.front())));
  }
  return absl::OkStatus();
}

StatusOr<std::string> FormatIdentityUri(const Identity& identity) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string federation,
                          FormatFederationUri(identity.federation));
  FEDGAP_RETURN_IF_ERROR(ValidateName(identity.name, "the name"));
  return fmt::format("{}/{}/{}", federation, RoleName(identity.role),
                     identity.name);
}

StatusOr<Identity> ParseIdentityUri(std::string_view uri) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::string_view> parts,
                          SplitPath(uri));
  if (parts.size() != 3) {
    return NotAnIdentity(
        fmt::format("the path has {} parts, not 3", parts.size()));
  }
  const Status federation = ValidateName(parts[0], "the federation's name");
  if (!federation.ok()) return NotAnIdentity(MessageOf(federation));
  const StatusOr<Role> role = ParseRole(parts[1]);
  if (!role.ok()) return NotAnIdentity(MessageOf(role.status()));
  const Status name = ValidateName(parts[2], "the name");
  if (!name.ok()) return NotAnIdentity(MessageOf(name));
  return Identity{std::string(parts[0]), *role, std::string(parts[2])};
}

StatusOr<std::string> FormatFederationUri(std::string_view federation) {
  FEDGAP_RETURN_IF_ERROR(ValidateName(federation, "the federation's name"));
  return fmt::format("{}{}", kPrefix, federation);
}

StatusOr<std::string> ParseFederationUri(std::string_view uri) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::string_view> parts,
                          SplitPath(uri));
  if (parts.size() != 1) {
    return NotAnIdentity("an authority's URI names the federation only");
  }
  FEDGAP_RETURN_IF_ERROR(ValidateName(parts[0], "the federation's name"));
  return std::string(parts[0]);
}

}  // namespace fedgap
