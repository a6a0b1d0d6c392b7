#include "client/client_connection.h"

#include <optional>
#include <utility>

#include "client/rpc/grpc_federation_api.h"
#include "common/crypto/identity.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/server_address.h"

namespace fedgap {

StatusOr<ClientConnection> Connect(const ClientSettings& settings,
                                   const Clock& clock) {
  GrpcFederationApi::Options options;
  ClientConnection connection;
  FEDGAP_ASSIGN_OR_RETURN(options.server, ParseServerAddress(settings.server));
  options.keepalive = std::chrono::seconds(settings.keepalive_seconds);
  if (settings.access.insecure) {
    FEDGAP_RETURN_IF_ERROR(ValidateName(settings.name, "client.name"));
    connection.name = {settings.name};
    options.insecure_name = connection.name;
    options.insecure_anywhere = settings.access.insecure_anywhere;
  } else if (settings.access.certs.empty()) {
    return absl::InvalidArgumentError(
        "no certificate: give --certs DIR with the bundle that `fedgap certs "
        "issue` made for this client, or --insecure --name NAME for a server "
        "on this machine");
  } else {
    options.tls = TlsFilesIn(settings.access.certs);
    FEDGAP_ASSIGN_OR_RETURN(
        const TlsMaterial material,
        LoadTlsFiles(*options.tls, TlsEnd::kClient, clock.WallNow()));
    connection.name = {material.identity.name};
  }
  FEDGAP_ASSIGN_OR_RETURN(connection.api,
                          GrpcFederationApi::Create(std::move(options), clock));
  return connection;
}

}  // namespace fedgap
