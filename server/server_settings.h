// The [server] section of a configuration.
#ifndef FEDGAP_SERVER_SERVER_SETTINGS_H_
#define FEDGAP_SERVER_SERVER_SETTINGS_H_

#include <string>
#include <vector>

#include "common/config/config_schema.h"
#include "common/config/program_settings.h"
#include "server/rpc/call_limits.h"

namespace fedgap {

// Where the server listens, who may connect, and where the run is kept.
struct ServerSettings {
  std::string listen = "0.0.0.0:7443";
  AccessSettings access;
  std::string revocations;  // a file; empty: crl.pem in access.certs
  std::vector<std::string> allowed_clients;  // none: every one
  CallLimits::Options limits;
  int max_connections = 8192;
  std::string run_dir;    // empty: runs/<run.name>
  std::string port_file;  // the port is written here once it listens
  std::string dashboard;  // address:port; empty: none
  std::string dashboard_token_file;
  bool quiet = false;
  LogSettings log;
  // No key: the words that the program was started with, for people. Started
  // with them again, it goes on with the run.
  std::string command;
};

// Declares every key over the fields of `settings`.
void BindServerSettings(ServerSettings& settings, ConfigSchema& schema);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_SERVER_SETTINGS_H_
