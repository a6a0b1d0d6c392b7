// Calls that begin with their headers.
//
// For a call with one request message gRPC reads the whole message before it
// tells anybody of the call, so that who calls, and how much they may, would be
// asked of those only who have sent it all, in their own time and of any
// length. For a call with streams both ways it tells at once; on the wire the
// two are the same. So every call is registered as the latter.
#ifndef FEDGAP_SERVER_RPC_HEADERS_FIRST_H_
#define FEDGAP_SERVER_RPC_HEADERS_FIRST_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "common/base/check.h"
#include "common/rpc/status_conversion.h"
#include "server/rpc/call_environment.h"

namespace fedgap {

// The generated service `Api` (v1::Federation), with its calls registered so.
template <typename Api>
class HeadersFirst : public Api::Service {
 protected:
  // `begin` answers the call of this name as a method of the generated
  // CallbackService would, but reads the request itself.
  template <typename Request, typename Reply>
  void Serve(const char* call,
             std::function<grpc::ServerBidiReactor<Request, Reply>*(
                 grpc::CallbackServerContext*)>
                 begin) {
    const auto* method = google::protobuf::DescriptorPool::generated_pool()
                             ->FindServiceByName(Api::service_full_name())
                             ->FindMethodByName(call);
    FEDGAP_CHECK(method != nullptr);
    const int index = method->index();
    this->MarkMethodStreamed(index, nullptr);
    this->MarkMethodCallback(
        index, new grpc::internal::CallbackBidiHandler<Request, Reply>(
                   std::move(begin)));
  }
};

// A call that ends before it begins.
template <typename Request, typename Reply>
class RefusedCall final : public grpc::ServerBidiReactor<Request, Reply> {
 public:
  explicit RefusedCall(const Status& status) {
    this->Finish(ToGrpcStatus(status));
  }
  void OnDone() override { delete this; }
};

inline Status RequestTookTooLong() {
  return absl::UnavailableError(
      "the call's message did not arrive in time; make the call again");
}
inline Status NoRequest() {
  return absl::InvalidArgumentError(
      "the call ended before its message, or sent bytes that are no message of "
      "this protocol");
}

// One message in, one out. Owns itself until gRPC is done with it.
template <typename Request, typename Reply>
class UnaryCall final
    : public grpc::ServerBidiReactor<Request, Reply>,
      public LiveCall,
      public std::enable_shared_from_this<UnaryCall<Request, Reply>> {
 public:
  // Sets the reply or says why not; runs on a worker.
  using Action = std::function<Status(const Request&, Reply&)>;

  static UnaryCall* Start(CallEnvironment& environment, Caller caller,
                          Action action) {
    auto call = std::make_shared<UnaryCall>(environment, std::move(caller),
                                            std::move(action));
    call->self_ = call;
    call->StartRead(&call->request_);
    environment.live_calls.Add(call);
    return call.get();
  }

  UnaryCall(CallEnvironment& environment, Caller caller, Action action)
      : environment_(environment),
        caller_(std::move(caller)),
        action_(std::move(action)),
        begun_(environment.clock.Now()) {}

  // UNAVAILABLE if the message does not come within the stall timeout.
  void Tick(Clock::Time now) override {
    if (now - begun_ >= environment_.stall_timeout) {
      EndWith(RequestTookTooLong());
    }
  }
  // Nothing if its message is here: then it is answered.
  void EndWith(const Status& status) override {
    if (!is_read_.exchange(true)) this->Finish(ToGrpcStatus(status));
  }

  void OnReadDone(bool ok) override {
    if (is_read_.exchange(true)) return;
    if (!ok) {
      this->Finish(ToGrpcStatus(NoRequest()));
      return;
    }
    if (caller_.traffic) caller_.traffic->Received(request_.ByteSizeLong());
    environment_.workers->Post([self = this->shared_from_this()] {
      const Status status = self->action_(self->request_, self->reply_);
      // Before the client has its answer, and makes the next call.
      self->caller_.call.reset();
      if (status.ok()) {
        self->StartWriteAndFinish(&self->reply_, {}, grpc::Status::OK);
      } else {
        self->Finish(ToGrpcStatus(status));
      }
    });
  }
  void OnDone() override {
    const auto self = std::move(self_);
    caller_.call.reset();
  }

 private:
  CallEnvironment& environment_;
  Caller caller_;  // its call: until it is answered
  const Action action_;
  const Clock::Time begun_;
  std::shared_ptr<UnaryCall> self_;  // until OnDone
  Request request_;
  Reply reply_;
  std::atomic<bool> is_read_ = false;  // or will not be
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_HEADERS_FIRST_H_
