// From a client's settings to its server.
#ifndef FEDGAP_CLIENT_CLIENT_CONNECTION_H_
#define FEDGAP_CLIENT_CLIENT_CONNECTION_H_

#include <memory>

#include "client/client_settings.h"
#include "client/core/federation_api.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/federation/ids.h"

namespace fedgap {

struct ClientConnection {
  ClientName name;  // by the certificate, or by the settings without TLS
  std::unique_ptr<FederationApi> api;
};

// Checks the client's own files first, because a server that refuses them does
// not say why. Nothing is sent yet. INVALID_ARGUMENT for settings that make no
// sense, FAILED_PRECONDITION for a certificate that is expired, of another
// authority, or without its key, with what to do.
StatusOr<ClientConnection> Connect(const ClientSettings& settings,
                                   const Clock& clock);

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CLIENT_CONNECTION_H_
