// One model on its way to a client.
#ifndef FEDGAP_SERVER_RPC_MODEL_STREAM_H_
#define FEDGAP_SERVER_RPC_MODEL_STREAM_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>

#include "fedgap/v1/federation.pb.h"
#include "server/rpc/call_environment.h"

namespace fedgap {

// Sends the chunks of a snapshot from an offset on, from where they stand;
// deletes itself.
class ModelStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  // NOT_FOUND: not a current model. INVALID_ARGUMENT: a bad id or offset. Both
  // end the call.
  ModelStream(CallEnvironment& environment,
              const v1::FetchModelRequest& request);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  Status Open(const v1::FetchModelRequest& request);
  void SendNext();

  CallEnvironment& environment_;
  std::shared_ptr<const ModelSnapshot> snapshot_;
  std::int64_t offset_ = 0;
  std::int64_t sent_bytes_ = 0;
  std::int64_t sending_bytes_ = 0;
  grpc::ByteBuffer chunk_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_MODEL_STREAM_H_
