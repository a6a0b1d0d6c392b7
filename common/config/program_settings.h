// Settings that more than one program has, in the section of each.
#ifndef FEDGAP_COMMON_CONFIG_PROGRAM_SETTINGS_H_
#define FEDGAP_COMMON_CONFIG_PROGRAM_SETTINGS_H_

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/config/config_schema.h"

namespace fedgap {

// How a program proves who it is, and whether it must.
struct AccessSettings {
  std::string certs;  // a bundle of `fedgap certs`
  bool insecure = false;
  bool insecure_anywhere = false;
};
void BindAccess(AccessSettings& access, ConfigSection& section);

// INVALID_ARGUMENT if `access` asks for certificates and for none: a line in a
// file or the environment never takes TLS away from who asks for it. Only
// `overrides` (key=value, the command line's words) may, where they ask for
// none and not for certificates.
Status CheckAccess(const AccessSettings& access,
                   const std::vector<std::string>& overrides);

// The same of a program whose flags are no configuration.
Status CheckAccess(const AccessSettings& access);

struct LogSettings {
  std::string level = "info";
  std::string format = "text";
  std::string file;
};
void BindLog(LogSettings& log, ConfigSection& section);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CONFIG_PROGRAM_SETTINGS_H_
