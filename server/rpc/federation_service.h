// The calls of clients: translated, handed to the coordinator, answered.
#ifndef FEDGAP_SERVER_RPC_FEDERATION_SERVICE_H_
#define FEDGAP_SERVER_RPC_FEDERATION_SERVICE_H_

#include "fedgap/v1/federation.grpc.pb.h"
#include "server/rpc/call_environment.h"

namespace fedgap {

// Every call begins with the question who calls. `environment` outlives the
// service. docs/PROTOCOL.md has the codes of every call.
class FederationService final
    : public v1::Federation::WithRawCallbackMethod_FetchModel<
          v1::Federation::CallbackService> {
 public:
  explicit FederationService(CallEnvironment& environment)
      : environment_(environment) {}

  grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* call,
                                 const v1::JoinRequest* request,
                                 v1::JoinReply* reply) override;
  grpc::ServerWriteReactor<v1::TasksReply>* Tasks(
      grpc::CallbackServerContext* call,
      const v1::TasksRequest* request) override;
  // Of v1::FetchModelRequest and v1::ModelChunk.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* FetchModel(
      grpc::CallbackServerContext* call,
      const grpc::ByteBuffer* request) override;
  grpc::ServerBidiReactor<v1::SubmitRequest, v1::SubmitReply>* SubmitUpdate(
      grpc::CallbackServerContext* call) override;
  grpc::ServerUnaryReactor* Decline(grpc::CallbackServerContext* call,
                                    const v1::DeclineRequest* request,
                                    v1::DeclineReply* reply) override;
  grpc::ServerUnaryReactor* Leave(grpc::CallbackServerContext* call,
                                  const v1::LeaveRequest* request,
                                  v1::LeaveReply* reply) override;

 private:
  CallEnvironment& environment_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_FEDERATION_SERVICE_H_
