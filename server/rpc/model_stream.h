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
class ModelStream final
    : public grpc::ServerBidiReactor<v1::FetchModelRequest, grpc::ByteBuffer>,
      public LiveCall {
 public:
  // A chunk of 1 MiB may take so many stall timeouts: by default five minutes,
  // 3.5 kB/s.
  static constexpr int kPatience = 5;

  // Ends with NOT_FOUND: not a current model; INVALID_ARGUMENT: no request, a
  // bad id or offset. `call` lives until OnDone has returned.
  static ModelStream* Start(CallEnvironment& environment,
                            grpc::CallbackServerContext& call,
                            const Caller& caller);

  ModelStream(CallEnvironment& environment, grpc::CallbackServerContext& call,
              Caller caller);

  // Cancels the call of a client that does not say what it wants, or does not
  // read, or is not welcome any more.
  void Tick(Clock::Time now) override EXCLUDES(mutex_);
  // Nothing: what a client has begun to fetch, it may have.
  void EndWith(const Status& /*status*/) override {}

  void OnReadDone(bool ok) override EXCLUDES(mutex_);
  void OnWriteDone(bool ok) override;
  void OnDone() override EXCLUDES(mutex_);

 private:
  Status Open(const v1::FetchModelRequest& request);
  void SendNext() EXCLUDES(mutex_);

  CallEnvironment& environment_;
  Caller caller_;  // its call: until OnDone
  v1::FetchModelRequest request_;
  std::shared_ptr<ModelStream> self_;  // until OnDone
  std::shared_ptr<const ModelSnapshot> snapshot_;
  std::int64_t offset_ = 0;
  std::int64_t sent_bytes_ = 0;
  std::int64_t sending_bytes_ = 0;
  grpc::ByteBuffer chunk_;
  Mutex mutex_;
  grpc::CallbackServerContext* call_ GUARDED_BY(mutex_);  // until OnDone
  // When it began to wait for its client: for the request, or for the next
  // chunk to be taken.
  Clock::Time waits_since_ GUARDED_BY(mutex_);
  bool has_request_ GUARDED_BY(mutex_) = false;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_MODEL_STREAM_H_
