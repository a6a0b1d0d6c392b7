// The channel to a server and the calls that are open on it.
#ifndef FEDGAP_CLIENT_RPC_GRPC_CONNECTION_H_
#define FEDGAP_CLIENT_RPC_GRPC_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "client/rpc/grpc_federation_api.h"
#include "common/base/mutex.h"
#include "fedgap/v1/federation.grpc.pb.h"

namespace fedgap {

// Thread-safe.
class GrpcConnection {
 public:
  using Options = GrpcFederationApi::Options;

  static StatusOr<std::unique_ptr<GrpcConnection>> Create(
      const Options& options, const Clock& clock);

  // The present channel, and its stub.
  std::shared_ptr<grpc::Channel> channel() const EXCLUDES(mutex_);
  std::shared_ptr<v1::Federation::Stub> stub() const EXCLUDES(mutex_);

  // Gives up a channel that has failed to connect, for one that tries at the
  // next call. The old one would not do so in its own back-off, and makes no
  // progress between calls: gRPC's blocking calls are what reads its sockets.
  void StartAfresh() EXCLUDES(mutex_);

  // From here on calls say that they are of this start of the program
  // (JoinRequest::instance).
  void SetInstance(std::uint64_t instance) { instance_ = instance; }
  std::uint64_t instance() const { return instance_; }

  // An open call: has a deadline, the instance, the client's name where there
  // is no TLS, and ends with CANCELLED when the connection is cancelled, before
  // it or later.
  class Call {
   public:
    Call(GrpcConnection& connection, std::chrono::milliseconds timeout,
         bool cancellable = true);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    grpc::ClientContext* context() { return &context_; }
    void Cancel() { context_.TryCancel(); }

   private:
    GrpcConnection& connection_;
    grpc::ClientContext context_;
  };

  void Cancel() EXCLUDES(mutex_);

  // What a call's status means for the caller, in words for people. The first
  // call of a connection says why there is none: it may take seconds to look.
  Status ExplainFirst(const grpc::Status& status) const EXCLUDES(mutex_);
  Status Explain(const grpc::Status& status) const EXCLUDES(mutex_);

 private:
  GrpcConnection(const Options& options, const Clock& clock,
                 std::shared_ptr<grpc::ChannelCredentials> credentials);

  std::shared_ptr<grpc::Channel> NewChannel() const;
  void Add(grpc::ClientContext* context) EXCLUDES(mutex_);
  void Remove(grpc::ClientContext* context) EXCLUDES(mutex_);
  Status ExplainUnavailable(const Status& status) const;

  const Options options_;
  const Clock& clock_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  std::atomic<std::uint64_t> instance_ = 0;
  mutable Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ GUARDED_BY(mutex_);
  std::shared_ptr<v1::Federation::Stub> stub_ GUARDED_BY(mutex_);
  std::set<grpc::ClientContext*> open_ GUARDED_BY(mutex_);
  bool cancelled_ GUARDED_BY(mutex_) = false;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_RPC_GRPC_CONNECTION_H_
