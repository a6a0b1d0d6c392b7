#include "common/config/program_settings.h"

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
