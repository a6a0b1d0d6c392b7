// The calls of clients: translated, handed to the coordinator, answered.
#ifndef FEDGAP_SERVER_RPC_FEDERATION_SERVICE_H_
#define FEDGAP_SERVER_RPC_FEDERATION_SERVICE_H_

#include "fedgap/v1/federation.grpc.pb.h"
#include "server/rpc/call_environment.h"
#include "server/rpc/headers_first.h"

namespace fedgap {

// Every call begins with the question who calls, before any message is read.
// `environment` outlives the service. docs/PROTOCOL.md has the codes of every
// call.
class FederationService final : public HeadersFirst<v1::Federation> {
 public:
  explicit FederationService(CallEnvironment& environment);

 private:
  using SubmitReactor =
      grpc::ServerBidiReactor<grpc::ByteBuffer, v1::SubmitReply>;

  // Who may make a call: members only (CallEnvironment::Member), or any client.
  struct Entry {
    bool is_member = true;
    CallLimits::Kind kind = CallLimits::Kind::kPlain;
  };
  StatusOr<Caller> Admit(const grpc::CallbackServerContext& call,
                         Entry entry) const;

  // Answers on a worker with what `action` says of a client's request. Calls
  // that are refused fill no queue.
  template <typename Request, typename Reply>
  void ServeUnary(const char* name, Entry entry,
                  std::function<Status(const Caller& caller,
                                       const Request& request, Reply& reply)>
                      action);
  // Begins a stream as Stream::Start does.
  template <typename Request, typename Reply, typename Stream>
  void ServeStream(const char* name, Entry entry);
  SubmitReactor* BeginUpdate(grpc::CallbackServerContext* call);

  CallEnvironment& environment_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_FEDERATION_SERVICE_H_
