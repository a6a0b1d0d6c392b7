#include "common/config/program_settings.h"

#include <fmt/format.h>

#include <algorithm>

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

Status CheckAccess(const std::vector<std::string>& overrides) {
  AccessSettings given;
  for (const std::string& text : overrides) {
    const std::size_t equals = std::min(text.find('='), text.size());
    const std::string key = text.substr(0, equals);
    const std::string value = text.substr(std::min(equals + 1, text.size()));
    if (key.ends_with(".certs")) given.certs = value;
    if (key.ends_with(".insecure")) given.insecure = value == "true";
    if (key.ends_with(".insecure_anywhere")) {
      given.insecure_anywhere = value == "true";
    }
  }
  return CheckAccess(given);
}

Status CheckAccess(const AccessSettings& access) {
  const bool is_insecure = access.insecure || access.insecure_anywhere;
  if (access.certs.empty() || !is_insecure) return absl::OkStatus();
  const char* flag = access.insecure ? "--insecure" : "--insecure-anywhere";
  return absl::InvalidArgumentError(fmt::format(
      "--certs {} and {} contradict each other: leave {} out for TLS, or "
      "--certs to go without",
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
