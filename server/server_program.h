// fedgap-server from its configuration to its exit status.
#ifndef FEDGAP_SERVER_SERVER_PROGRAM_H_
#define FEDGAP_SERVER_SERVER_PROGRAM_H_

#include "common/base/status.h"
#include "common/federation/run_config.h"
#include "server/server_settings.h"

namespace fedgap {

// Runs a federation to its end, or until SIGINT or SIGTERM: then the open round
// is given up, clients are told, and the run can be resumed from its directory.
// Either way the directory holds a report. Errors: the configuration, the
// directory (in use, damaged, of another configuration), the certificate, the
// port, a full disk; each says what to do.
Status RunServer(const ServerSettings& settings, const RunConfig& config);

// Whether a server answers at the address that `settings` says to listen on;
// settings.access.certs is a client's bundle. The errors of CheckHealth.
Status CheckServer(const ServerSettings& settings);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_SERVER_PROGRAM_H_
