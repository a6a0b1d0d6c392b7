// One model on its way to a client.
#ifndef FEDGAP_SERVER_RPC_MODEL_STREAM_H_
#define FEDGAP_SERVER_RPC_MODEL_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>

#include "common/base/mutex.h"
#include "fedgap/v1/federation.pb.h"
#include "server/rpc/call_environment.h"

namespace fedgap {

// Sends the chunks of a snapshot from an offset on, from where they stand, each
// when the connection has taken the one before. Owns itself until gRPC is done
// with it.
class ModelStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                          public LiveCall {
 public:
  // A chunk of 1 MiB may take so many stall timeouts: by default five minutes,
  // 3.5 kB/s.
  static constexpr int kPatience = 5;

  // NOT_FOUND: not a current model. INVALID_ARGUMENT: a bad id or offset. Both
  // end the call. `call` lives until OnDone has returned.
  static ModelStream* Start(CallEnvironment& environment,
                            grpc::CallbackServerContext& call,
                            const Caller& caller,
                            const v1::FetchModelRequest& request);

  ModelStream(CallEnvironment& environment, grpc::CallbackServerContext& call,
              Caller caller);

  // Cancels the call of a client that does not read, or that is not welcome any
  // more.
  void Tick(Clock::Time now) override EXCLUDES(mutex_);
  // Nothing: what a client has begun to fetch, it may have.
  void EndWith(const Status& /*status*/) override {}

  void OnWriteDone(bool ok) override;
  void OnDone() override EXCLUDES(mutex_);

 private:
  Status Open(const v1::FetchModelRequest& request);
  void SendNext() EXCLUDES(mutex_);

  CallEnvironment& environment_;
  const Caller caller_;
  std::shared_ptr<ModelStream> self_;  // until OnDone
  std::shared_ptr<const ModelSnapshot> snapshot_;
  std::int64_t offset_ = 0;
  std::int64_t sent_bytes_ = 0;
  std::int64_t sending_bytes_ = 0;
  grpc::ByteBuffer chunk_;
  Mutex mutex_;
  grpc::CallbackServerContext* call_ GUARDED_BY(mutex_);  // until OnDone
  Clock::Time last_write_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_MODEL_STREAM_H_
