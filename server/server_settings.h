// The [server] section of a configuration.
#ifndef FEDGAP_SERVER_SERVER_SETTINGS_H_
#define FEDGAP_SERVER_SERVER_SETTINGS_H_

#include <string>

#include "common/config/config_schema.h"

namespace fedgap {

// Where the server listens, who may connect, and where the run is kept.
struct ServerSettings {
  std::string listen = "0.0.0.0:7443";
  std::string certs;  // a bundle of `fedgap certs`
  bool insecure = false;
  bool insecure_anywhere = false;
  std::string run_dir;    // empty: runs/<run.name>
  std::string port_file;  // the port is written here once it listens
  bool quiet = false;
  std::string log_level = "info";
  std::string log_file;
};

// Declares every key over the fields of `settings`.
void BindServerSettings(ServerSettings& settings, ConfigSchema& schema);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_SERVER_SETTINGS_H_
