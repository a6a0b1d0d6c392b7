#include "common/config/program_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace fedgap {

void BindAccess(AccessSettings& access, ConfigSection& section) {
  section
      .Text("certs", &access.certs,
            "Directory with identity.pem and ca.pem (fedgap certs)")
      .Switch("insecure", &access.insecure,
              "No TLS, between programs on this machine only")
      .Switch("insecure_anywhere", &access.insecure_anywhere,
              "With insecure: between any machines; the network must be "
              "trusted");
}

Status CheckAccess(const AccessSettings& access,
                   const std::vector<std::string>& overrides) {
  const auto is_said = [&overrides](std::string_view what) {
    return std::ranges::any_of(overrides, [&](const std::string& words) {
      return words.find(what) != words.npos;
    });
  };
  const bool goes_without = is_said(".insecure=true") && !is_said(".certs=");
  return goes_without ? absl::OkStatus() : CheckAccess(access);
}

Status CheckAccess(const AccessSettings& access) {
  const bool is_insecure = access.insecure || access.insecure_anywhere;
  if (access.certs.empty() || !is_insecure) return absl::OkStatus();
  const char* flag = access.insecure ? "--insecure" : "--insecure-anywhere";
  return absl::InvalidArgumentError(fmt::format(
      "--certs {} and {} contradict each other, also where a file or the "
      "environment says one of them: leave {} out for TLS, or --certs to go "
      "without",
      access.certs, flag, flag));
}

void BindLog(LogSettings& log, ConfigSection& section) {
  section
      .Choice("log_level", &log.level,
              {"debug", "info", "warning", "error", "off"},
              "What is logged, on stderr")
      .Choice("log_format", &log.format, {"text", "json"},
              "json: a JSON object a line, all of it on stdout")
      .Text("log_file", &log.file, "Also log to this file, rotated");
}

}  // namespace fedgap
