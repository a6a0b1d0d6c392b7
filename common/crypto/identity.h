// Who somebody is in a federation, as a certificate's URI SAN says it:
// spiffe://fedgap/<federation>/<role>/<name>. The form is SPIFFE's ("The SPIFFE
// Identity and Verifiable Identity Document", section 2) with the fixed trust
// domain "fedgap"; parsing takes this form only, so two spellings of one
// identity cannot exist.
#ifndef FEDGAP_COMMON_CRYPTO_IDENTITY_H_
#define FEDGAP_COMMON_CRYPTO_IDENTITY_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

enum class Role {
  kClient,     // trains
  kServer,     // runs rounds
  kAdmin,      // watches, pauses and stops a run
  kEvaluator,  // reads models, never trains
};

// "client", "server", "admin", "evaluator".
std::string_view RoleName(Role role);
// INVALID_ARGUMENT for another word, with the nearest role.
StatusOr<Role> ParseRole(std::string_view text);

struct Identity {
  std::string federation;
  Role role = Role::kClient;
  std::string name;

  friend bool operator==(const Identity&, const Identity&) = default;
};

inline constexpr std::size_t kMaxNameLength = 64;

// OK if `name` has 1 to `max_length` characters of a-z A-Z 0-9 . _ - and starts
// with a letter or a digit; such a name is safe in a path, a URI, a log line
// and a command. Else INVALID_ARGUMENT, whose message starts with `what` ("the
// federation's name", say) and tells which character is wrong.
Status ValidateName(std::string_view name, std::string_view what,
                    std::size_t max_length = kMaxNameLength);

// INVALID_ARGUMENT if one of the two names is not valid.
StatusOr<std::string> FormatIdentityUri(const Identity& identity);
// INVALID_ARGUMENT for anything but the exact form.
StatusOr<Identity> ParseIdentityUri(std::string_view uri);

// spiffe://fedgap/<federation>: what a certificate authority's own certificate
// carries. Errors as above.
StatusOr<std::string> FormatFederationUri(std::string_view federation);
StatusOr<std::string> ParseFederationUri(std::string_view uri);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_IDENTITY_H_
