// One update on its way in.
#ifndef FEDGAP_SERVER_RPC_UPDATE_STREAM_H_
#define FEDGAP_SERVER_RPC_UPDATE_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <optional>

#include "common/federation/ids.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/update_wire.h"
#include "fedgap/v1/federation.pb.h"
#include "server/rpc/call_environment.h"

namespace fedgap {

// header -> [slot] -> resume_from -> chunks -> verdict. Every step runs on the
// call's own SerialQueue. A call that breaks off leaves what has arrived in
// the staging area; one that is refused ends the client's part in the round.
// Owns itself until gRPC is done with it.
class UpdateStream final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, v1::SubmitReply>,
      public LiveCall,
      public std::enable_shared_from_this<UpdateStream> {
 public:
  // `call` lives until OnDone has returned.
  static UpdateStream* Start(CallEnvironment& environment,
                             const grpc::CallbackServerContext& call,
                             const Caller& caller);

  UpdateStream(CallEnvironment& environment,
               const grpc::CallbackServerContext& call, Caller caller);

  // UNAVAILABLE for a client that sends nothing for the stall timeout while
  // it has a slot: others wait for it. PERMISSION_DENIED for one that is not
  // welcome any more. What ended its slot, as soon as it has.
  void Tick(Clock::Time now) override;
  void EndWith(const Status& status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // On the serial queue:
  // The message that is in request_. Chunks are read where they stand; what is
  // no chunk, or not as every writer of them makes it, is for the generated
  // parser.
  Status HandleRequest();
  Status Handle(const v1::SubmitRequest& message);
  Status HandleHeader(const v1::UpdateHeader& message);
  Status HandleChunk(const UpdateChunkView& chunk);
  Status BeginChunks(StatusOr<std::unique_ptr<Upload>> upload);
  Status SubmitWhole();
  void EndUnlessOk(const Status& status);
  void Answer(Verdict verdict);
  void GoOn();
  void Read();

  CallEnvironment& environment_;
  const grpc::CallbackServerContext& call_;
  Caller caller_;  // its call: until OnDone
  const std::shared_ptr<SerialQueue> serial_;
  std::shared_ptr<UpdateStream> self_;  // until OnDone

  grpc::ByteBuffer request_;
  v1::SubmitReply resume_;
  v1::SubmitReply verdict_;
  TaskId task_;  // empty until a header names it
  std::optional<UpdateHeader> header_;
  std::unique_ptr<Upload> upload_;
  StagingArea::Ticket ticket_ = 0;
  std::int64_t wire_bytes_ = 0;
  Clock::Time last_activity_;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool finished_ = false;
  std::optional<Status> end_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_UPDATE_STREAM_H_
