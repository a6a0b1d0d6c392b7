// fedgap-client from its settings to its exit status.
#ifndef FEDGAP_CLIENT_CLIENT_PROGRAM_H_
#define FEDGAP_CLIENT_CLIENT_PROGRAM_H_

#include <string>

#include "client/client_settings.h"
#include "common/base/status.h"

namespace fedgap {

struct ClientEnd {
  Status status;
  // By the server, for good: it does not let this client take part.
  bool is_sent_away = false;
};

// Loads the data, connects and takes part until the run is over (OK), a signal
// comes (OK, after saying goodbye), or something is wrong that trying again
// would not change.
ClientEnd RunClient(const ClientSettings& settings);

// --check: looks at everything that RunClient needs and trains nothing: prints
// the data's summary, the certificate, and whether the server answers and its
// model fits the data. The first failure, after printing all that could be
// found out.
Status CheckClient(const ClientSettings& settings);

// --health: whether the server answers and serves. The errors of CheckHealth.
Status CheckServerHealth(const ClientSettings& settings);

// What --cpu-info prints: the instruction sets and what the chosen one means.
// INVALID_ARGUMENT if the one of the settings does not run here.
StatusOr<std::string> CpuInfo(const ClientSettings& settings);

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CLIENT_PROGRAM_H_
