#include "common/rpc/health.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/rpc/channel_options.h"
#include "common/rpc/failed_connection.h"
#include "common/rpc/status_conversion.h"
#include "common/rpc/tls_credentials.h"

namespace fedgap {
namespace {

// HealthCheckResponse{status: SERVING}, encoded; the request, for the whole
// server, has no bytes. Debian's gRPC installs no stub of the service.
constexpr std::string_view kServing = "\x08\x01";

StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(
    const HealthQuery& query, const ServerAddress& server, const Clock& clock) {
  if (query.tls.has_value()) {
    return ChannelTlsCredentials(*query.tls, clock.WallNow());
  }
  return ChannelInsecureCredentials(server, query.insecure_anywhere
                                                ? InsecureScope::kAnywhere
                                                : InsecureScope::kLoopback);
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

Status CheckHealth(const HealthQuery& query, const Clock& clock) {
  ServerAddress server = query.server;
  if (server.host == "0.0.0.0" || server.host == "::") {
    server.host = "localhost";
  }
  FEDGAP_ASSIGN_OR_RETURN(auto credentials,
                          CredentialsOf(query, server, clock));
  grpc::GenericStub stub(grpc::CreateCustomChannel(
      server.ToString(), credentials, ClientChannelArguments(server)));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + query.timeout);
  grpc::CompletionQueue queue;
  const grpc::ByteBuffer request(nullptr, 0);  // empty, not absent
  const auto call = stub.PrepareUnaryCall(
      &context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) {
    return ExplainConnection(FromGrpcStatus(status), {server, query.tls},
                             clock.WallNow());
  }
  if (BytesOf(reply) == kServing) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("{} is not serving: it is shutting down", server.ToString()));
}

}  // namespace fedgap
