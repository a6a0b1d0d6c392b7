// The calls of operators.
#ifndef FEDGAP_SERVER_RPC_ADMIN_SERVICE_H_
#define FEDGAP_SERVER_RPC_ADMIN_SERVICE_H_

#include <functional>
#include <string>

#include "fedgap/v1/admin.grpc.pb.h"
#include "server/rpc/call_environment.h"
#include "server/rpc/headers_first.h"

namespace fedgap {

// For role `admin`, or programs on the server's machine where there is no TLS.
// `environment` outlives the service.
class AdminService final : public HeadersFirst<v1::Admin> {
 public:
  explicit AdminService(CallEnvironment& environment);

 private:
  // Runs `action` for an operator, `by` in words, on a worker, and answers. Who
  // is none is told before: calls that are refused fill no queue.
  template <typename Request, typename Reply>
  void ServeUnary(
      const char* name,
      std::function<fedgap::Status(const std::string& by,
                                   const Request& request, Reply& reply)>
          action);
  fedgap::Status StopRun(const std::string& by, const v1::StopRequest& request,
                         v1::RunStatus& reply);
  fedgap::Status KickClient(const std::string& by,
                            const v1::KickRequest& request,
                            v1::RunStatus& reply);

  CallEnvironment& environment_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_ADMIN_SERVICE_H_
