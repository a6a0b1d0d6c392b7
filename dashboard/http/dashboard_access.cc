#include "dashboard/http/dashboard_access.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/file_io.h"
#include "common/crypto/secure_random.h"

namespace fedgap {
namespace {

constexpr std::size_t kShortest = 16;
constexpr std::size_t kMadeUpBytes = 16;
constexpr const char* kSpace = " \t\r\n";

// What stands in a URL as it is.
bool IsPlain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

}  // namespace

StatusOr<std::string> DashboardToken(const std::filesystem::path& file,
                                     bool needed) {
  if (file.empty()) {
    return needed ? RandomHex(kMadeUpBytes) : "";
  }
  FEDGAP_ASSIGN_OR_RETURN(std::string token, ReadFileText(file));
  token.erase(token.find_last_not_of(kSpace) + 1);
  token.erase(0, std::min(token.find_first_not_of(kSpace), token.size()));
  if (token.size() < kShortest || !std::ranges::all_of(token, IsPlain)) {
    return absl::InvalidArgumentError(fmt::format(
        "{} holds no token: write at least {} letters, digits, '-' or '_' "
        "into it, for example those of `openssl rand -hex 16`",
        file.string(), kShortest));
  }
  return token;
}

Status SetToken(const std::filesystem::path& file,
                DashboardServer::Options& options) {
  FEDGAP_ASSIGN_OR_RETURN(
      options.token, DashboardToken(file, /*needed=*/!options.is_loopback));
  options.shows_token = file.empty();
  return absl::OkStatus();
}

std::string AccessWarning(const DashboardServer::Options& options) {
  if (options.is_loopback || !options.identity.empty()) return "";
  return "the dashboard's token and the runs cross the network unencrypted";
}

}  // namespace fedgap
