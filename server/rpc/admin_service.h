// The calls of operators.
#ifndef FEDGAP_SERVER_RPC_ADMIN_SERVICE_H_
#define FEDGAP_SERVER_RPC_ADMIN_SERVICE_H_

#include <functional>

#include "fedgap/v1/admin.grpc.pb.h"
#include "server/rpc/call_environment.h"

namespace fedgap {

// For role `admin`, or programs on the server's machine where there is no TLS.
// `environment` outlives the service.
class AdminService final : public v1::Admin::CallbackService {
 public:
  explicit AdminService(CallEnvironment& environment)
      : environment_(environment) {}

  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* call,
                                   const v1::StatusRequest* request,
                                   v1::RunStatus* reply) override;
  grpc::ServerUnaryReactor* Clients(grpc::CallbackServerContext* call,
                                    const v1::ClientsRequest* request,
                                    v1::ClientsReply* reply) override;
  grpc::ServerUnaryReactor* Pause(grpc::CallbackServerContext* call,
                                  const v1::PauseRequest* request,
                                  v1::RunStatus* reply) override;
  grpc::ServerUnaryReactor* Resume(grpc::CallbackServerContext* call,
                                   const v1::ResumeRequest* request,
                                   v1::RunStatus* reply) override;
  grpc::ServerUnaryReactor* Stop(grpc::CallbackServerContext* call,
                                 const v1::StopRequest* request,
                                 v1::RunStatus* reply) override;
  grpc::ServerUnaryReactor* Kick(grpc::CallbackServerContext* call,
                                 const v1::KickRequest* request,
                                 v1::RunStatus* reply) override;
  grpc::ServerWriteReactor<v1::RunStatus>* Watch(
      grpc::CallbackServerContext* call,
      const v1::WatchRequest* request) override;

 private:
  // Runs `action` for a caller who may, on a worker, and answers.
  grpc::ServerUnaryReactor* Do(grpc::CallbackServerContext* call,
                               std::function<fedgap::Status()> action);

  CallEnvironment& environment_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_ADMIN_SERVICE_H_
