#include "bench/load/bare_grpc.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "common/base/clock.h"
#include "common/federation/model_id.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/server_address.h"
#include "common/rpc/tls_credentials.h"
#include "common/wire/limits.h"
#include "fedgap/v1/federation.grpc.pb.h"

namespace fedgap::bench {
namespace {

class BareService final : public v1::Federation::Service {
 public:
  explicit BareService(std::int64_t bytes) : bytes_(bytes) {}

  grpc::Status FetchModel(grpc::ServerContext* /*call*/,
                          const v1::FetchModelRequest* /*request*/,
                          grpc::ServerWriter<v1::ModelChunk>* out) override {
    for (std::int64_t at = 0; at < bytes_; at += kModelChunkBytes) {
      v1::ModelChunk chunk;
      chunk.set_offset(at);
      chunk.mutable_data()->resize(
          static_cast<std::size_t>(std::min(kModelChunkBytes, bytes_ - at)));
      out->Write(chunk);
    }
    return grpc::Status::OK;
  }

  grpc::Status SubmitUpdate(
      grpc::ServerContext* /*call*/,
      grpc::ServerReaderWriter<v1::SubmitReply, v1::SubmitRequest>* stream)
      override {
    v1::SubmitRequest request;
    std::int64_t left = bytes_;
    while (left > 0 && stream->Read(&request)) {
      left -= static_cast<std::int64_t>(request.chunk().data().size());
    }
    v1::SubmitReply reply;
    reply.set_verdict(v1::VERDICT_ACCEPTED);
    stream->Write(reply);
    return grpc::Status::OK;
  }

 private:
  const std::int64_t bytes_;
};

bool FetchAndSubmit(v1::Federation::Stub& stub, std::int64_t bytes) {
  {
    grpc::ClientContext call;
    const auto reader = stub.FetchModel(&call, {});
    v1::ModelChunk chunk;
    while (reader->Read(&chunk)) {
    }
    if (!reader->Finish().ok()) return false;
  }
  grpc::ClientContext call;
  const auto stream = stub.SubmitUpdate(&call);
  for (std::int64_t at = 0; at < bytes; at += kUpdateChunkBytes) {
    v1::SubmitRequest request;
    request.mutable_chunk()->set_offset(at);
    request.mutable_chunk()->mutable_data()->resize(
        static_cast<std::size_t>(std::min(kUpdateChunkBytes, bytes - at)));
    if (!stream->Write(request)) return false;
  }
  v1::SubmitReply reply;
  return stream->Read(&reply) && stream->Finish().ok();
}

}  // namespace

StatusOr<std::vector<double>> RunBareRounds(const BareRounds& work) {
  const Clock::WallTime now = SystemClock().WallNow();
  auto credentials = grpc::InsecureServerCredentials();
  if (work.server_tls.has_value()) {
    FEDGAP_ASSIGN_OR_RETURN(credentials,
                            ServerTlsCredentials(*work.server_tls, now));
  }
  BareService service(work.bytes);
  grpc::ServerBuilder builder;
  SetServerArguments(builder);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError("gRPC does not listen");
  const ServerAddress address{"127.0.0.1", static_cast<std::uint16_t>(port)};

  std::vector<double> milliseconds;
  auto began = std::chrono::steady_clock::now();
  std::barrier round_ends(work.clients, [&]() noexcept {
    const auto ended = std::chrono::steady_clock::now();
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(ended - began).count());
    began = ended;
  });
  std::atomic<bool> failed = false;
  std::vector<std::thread> clients;
  for (int i = 0; i < work.clients; ++i) {
    auto own = grpc::InsecureChannelCredentials();
    if (work.server_tls.has_value()) {
      FEDGAP_ASSIGN_OR_RETURN(
          own, ChannelTlsCredentials(
                   work.client_tls[static_cast<std::size_t>(i)], now));
    }
    auto channel = grpc::CreateCustomChannel(
        address.ToString(), own, ClientChannelArguments(address, {}));
    clients.emplace_back([&, channel] {
      const auto stub = v1::Federation::NewStub(channel);
      // The first round connects, and does not count.
      for (int round = 0; round <= work.rounds; ++round) {
        if (!FetchAndSubmit(*stub, work.bytes)) failed = true;
        round_ends.arrive_and_wait();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  server->Shutdown();
  if (failed) return absl::UnavailableError("a bare gRPC call failed");
  milliseconds.erase(milliseconds.begin());
  return milliseconds;
}

}  // namespace fedgap::bench
