// A real gRPC server on a free port of 127.0.0.1 that answers every method
// with its caller's identity URI, or with the status of PeerIdentity; and the
// call to it.
#ifndef FEDGAP_TESTS_TESTING_IDENTITY_ECHO_SERVER_H_
#define FEDGAP_TESTS_TESTING_IDENTITY_ECHO_SERVER_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/server_address.h"
#include "common/rpc/status_conversion.h"
#include "common/rpc/tls_credentials.h"

namespace fedgap {

class IdentityEchoServer {
 public:
  explicit IdentityEchoServer(
      const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port);
    builder.RegisterCallbackGenericService(&service_);
    SetServerArguments(builder);
    server_ = builder.BuildAndStart();
    FEDGAP_CHECK(server_ != nullptr && port != 0);
    address_ = {"127.0.0.1", static_cast<std::uint16_t>(port)};
  }
  ~IdentityEchoServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  const ServerAddress& address() const { return address_; }

 private:
  class Reactor final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Reactor(const grpc::GenericCallbackServerContext& context)
        : identity_(PeerIdentity(*context.auth_context())) {
      if (!identity_.ok()) {
        Finish(ToGrpcStatus(identity_.status()));
        return;
      }
      const std::string uri = *FormatIdentityUri(*identity_);
      const grpc::Slice slice(uri);
      answer_ = grpc::ByteBuffer(&slice, 1);
      StartWriteAndFinish(&answer_, {}, grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    StatusOr<Identity> identity_;
    grpc::ByteBuffer answer_;
  };
  class Service final : public grpc::CallbackGenericService {
    grpc::ServerGenericBidiReactor* CreateReactor(
        grpc::GenericCallbackServerContext* context) override {
      return new Reactor(*context);
    }
  };

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  ServerAddress address_;
};

// The answer of the server at `address`, or why there is none.
inline StatusOr<std::string> CallIdentityEcho(
    const ServerAddress& address,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::GenericStub stub(grpc::CreateCustomChannel(
      address.ToString(), credentials, ClientChannelArguments(address)));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
  const grpc::Slice nothing;
  grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer answer;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/fedgap.test/Identity", grpc::StubOptions(),
                 &request, &answer,
                 [&](grpc::Status status) { done.set_value(status); });
  FEDGAP_RETURN_IF_ERROR(FromGrpcStatus(done.get_future().get()));
  std::vector<grpc::Slice> slices;
  FEDGAP_CHECK(answer.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_IDENTITY_ECHO_SERVER_H_
