#include "server/rpc/update_stream.h"

#include <fmt/format.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <array>
#include <utility>

#include "common/base/kill_point.h"
#include "common/rpc/message_buffer.h"
#include "common/rpc/status_conversion.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "common/wire/task_wire.h"

namespace fedgap {
namespace {

UploadHeader AnnouncementOf(const UpdateHeader& header) {
  return {header.info.task, header.layout_hash, header.elements, header.digest};
}

constexpr std::array kChunkData = {int{v1::SubmitRequest::kChunkFieldNumber},
                                   int{v1::UpdateChunk::kDataFieldNumber}};

Status NoMessage() {
  return absl::InvalidArgumentError(
      "the client ended the update before its last byte, or sent bytes that "
      "are no message of this protocol");
}

// After these a client does not send the update again (docs/PROTOCOL.md,
// section 6): waiting for it would be in vain.
bool IsRefusal(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

UpdateStream::UpdateStream(CallEnvironment& environment,
                           const grpc::CallbackServerContext& call,
                           Caller caller)
    : environment_(environment),
      call_(call),
      caller_(std::move(caller)),
      serial_(std::make_shared<SerialQueue>(environment.workers)),
      last_activity_(environment.clock.Now()) {}

UpdateStream* UpdateStream::Start(CallEnvironment& environment,
                                  const grpc::CallbackServerContext& call,
                                  const Caller& caller) {
  auto stream = std::make_shared<UpdateStream>(environment, call, caller);
  stream->self_ = stream;
  environment.live_calls.Add(stream);
  stream->serial_->Post([stream] { stream->Read(); });
  return stream.get();
}

void UpdateStream::Tick(Clock::Time now) {
  serial_->Post([self = shared_from_this(), now] {
    self->EndUnlessOk(self->environment_.callers.Check(self->caller_));
    if (self->upload_ != nullptr) {
      const Status slot = self->upload_->Check();
      if (!slot.ok()) self->caller_.traffic->Forgive();
      self->EndUnlessOk(slot);
    }
    if (self->is_reading_ &&
        now - self->last_activity_ >= self->environment_.stall_timeout) {
      self->EndUnlessOk(absl::UnavailableError(
          "nothing arrived for too long; open the call again to go on"));
    }
  });
}

void UpdateStream::EndWith(const Status& status) {
  serial_->Post(
      [self = shared_from_this(), status] { self->EndUnlessOk(status); });
}

void UpdateStream::OnReadDone(bool ok) {
  serial_->Post([self = shared_from_this(), ok] {
    self->is_reading_ = false;
    if (self->end_.has_value()) {
      self->request_.Clear();
      return;
    }
    self->last_activity_ = self->environment_.clock.Now();
    self->EndUnlessOk(ok ? self->HandleRequest() : NoMessage());
  });
}

void UpdateStream::OnWriteDone(bool ok) {
  serial_->Post([self = shared_from_this(), ok] {
    self->is_writing_ = false;
    if (!ok) self->EndUnlessOk(absl::CancelledError("the connection is lost"));
    self->GoOn();
  });
}

void UpdateStream::OnCancel() {
  serial_->Post([self = shared_from_this()] {
    self->EndUnlessOk(absl::CancelledError("the connection is lost"));
  });
}

void UpdateStream::OnDone() {
  // A lost connection ends the reading as a client's half-close does; only now
  // is it known which it was. Who did not hear the refusal comes again.
  const bool heard = !call_.IsCancelled();
  auto self = std::move(self_);
  caller_.call.reset();
  serial_->Post([self, heard] {
    self->environment_.staging.Withdraw(self->ticket_);
    self->upload_.reset();
    if (heard && self->end_.has_value() && IsRefusal(*self->end_)) {
      self->environment_.coordinator.RejectUpload(self->caller_.client,
                                                  self->task_, *self->end_);
    }
  });
}

Status UpdateStream::HandleRequest() {
  const std::size_t length = request_.Length();
  caller_.traffic->Received(length);
  wire_bytes_ += static_cast<std::int64_t>(length);
  v1::UpdateChunk head;
  BytePieces bytes;
  if (upload_ != nullptr && SplitMessage(request_, kChunkData, head, bytes)) {
    FEDGAP_ASSIGN_OR_RETURN(const UpdateChunkView chunk,
                            FromProto(head, std::move(bytes)));
    return HandleChunk(chunk);
  }
  v1::SubmitRequest message;
  using Traits = grpc::SerializationTraits<v1::SubmitRequest>;
  if (!Traits::Deserialize(&request_, &message).ok()) return NoMessage();
  return Handle(message);
}

Status UpdateStream::Handle(const v1::SubmitRequest& message) {
  if (!header_.has_value() && message.has_header()) {
    return HandleHeader(message.header());
  }
  if (upload_ != nullptr && message.has_chunk()) {
    FEDGAP_ASSIGN_OR_RETURN(const UpdateChunkView chunk,
                            FromProto(message.chunk()));
    return HandleChunk(chunk);
  }
  return absl::InvalidArgumentError(
      "an update is one header, then chunks after the server's resume_from");
}

Status UpdateStream::HandleHeader(const v1::UpdateHeader& message) {
  // Known even where the rest of the header makes no sense.
  FEDGAP_ASSIGN_OR_RETURN(
      task_, TaskIdFromProto(message.task_id(), /*allow_empty=*/false));
  FEDGAP_ASSIGN_OR_RETURN(header_, FromProto(message));
  FEDGAP_ASSIGN_OR_RETURN(const UploadDecision decision,
                          environment_.coordinator.BeginUpload(
                              caller_.client, AnnouncementOf(*header_)));
  if (decision == UploadDecision::kAlreadyAccepted) {
    Answer(Verdict::kAlreadyAccepted);
    return absl::OkStatus();
  }
  if (header_->elements == 0) return SubmitWhole();
  ticket_ = environment_.staging.Acquire(
      {caller_.client, header_->info.task, header_->info.round, header_->digest,
       header_->bytes},
      [self = shared_from_this()](StatusOr<std::unique_ptr<Upload>> upload) {
        auto granted = std::make_shared<StatusOr<std::unique_ptr<Upload>>>(
            std::move(upload));
        self->serial_->Post([self, granted] {
          if (self->end_.has_value()) return;
          self->EndUnlessOk(self->BeginChunks(std::move(*granted)));
        });
      });
  return absl::OkStatus();
}

Status UpdateStream::BeginChunks(StatusOr<std::unique_ptr<Upload>> upload) {
  FEDGAP_RETURN_IF_ERROR(upload.status());
  upload_ = *std::move(upload);
  last_activity_ = environment_.clock.Now();
  const std::int64_t offset = upload_->offset();
  if (offset == upload_->total_bytes()) return SubmitWhole();
  resume_.set_resume_from(offset);
  is_writing_ = true;
  StartWrite(&resume_);
  Read();
  return absl::OkStatus();
}

Status UpdateStream::HandleChunk(const UpdateChunkView& chunk) {
  if (chunk.offset != upload_->offset()) {
    return absl::InvalidArgumentError(
        fmt::format("a chunk at byte {} came where byte {} was expected",
                    chunk.offset, upload_->offset()));
  }
  FEDGAP_RETURN_IF_ERROR(upload_->Append(chunk.bytes));
  KillPoint("update-chunk-stored");
  if (upload_->offset() < upload_->total_bytes()) {
    Read();
    return absl::OkStatus();
  }
  return SubmitWhole();
}

Status UpdateStream::SubmitWhole() {
  std::shared_ptr<const VectorSource> delta;  // none for an evaluation
  if (upload_ != nullptr) {
    auto whole = upload_->Take();
    upload_.reset();
    FEDGAP_RETURN_IF_ERROR(whole.status());
    delta = *std::move(whole);
  }
  FEDGAP_ASSIGN_OR_RETURN(
      const Verdict verdict,
      environment_.coordinator.Submit(caller_.client,
                                      {AnnouncementOf(*header_), header_->info,
                                       std::move(delta), wire_bytes_}));
  Answer(verdict);
  return absl::OkStatus();
}

void UpdateStream::Answer(Verdict verdict) {
  verdict_.set_verdict(ToProto(verdict));
  end_ = absl::OkStatus();
  GoOn();
}

void UpdateStream::EndUnlessOk(const Status& status) {
  if (status.ok() || end_.has_value()) return;
  end_ = status;
  upload_.reset();
  environment_.staging.Withdraw(ticket_);
  GoOn();
}

void UpdateStream::GoOn() {
  if (is_writing_ || finished_ || !end_.has_value()) return;
  finished_ = true;
  if (end_->ok()) {
    StartWriteAndFinish(&verdict_, grpc::WriteOptions(), grpc::Status::OK);
  } else {
    Finish(ToGrpcStatus(*end_));
  }
}

void UpdateStream::Read() {
  if (end_.has_value()) return;
  is_reading_ = true;
  request_.Clear();
  StartRead(&request_);
}

}  // namespace fedgap
