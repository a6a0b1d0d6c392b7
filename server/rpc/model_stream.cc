#include "server/rpc/model_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/kill_point.h"
#include "common/rpc/message_buffer.h"
#include "common/rpc/status_conversion.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "server/rpc/headers_first.h"

namespace fedgap {
namespace {

constexpr std::array kChunkData = {int{v1::ModelChunk::kDataFieldNumber}};

}  // namespace

ModelStream::ModelStream(CallEnvironment& environment,
                         grpc::CallbackServerContext& call, Caller caller)
    : environment_(environment),
      caller_(std::move(caller)),
      call_(&call),
      waits_since_(environment.clock.Now()) {}

ModelStream* ModelStream::Start(CallEnvironment& environment,
                                grpc::CallbackServerContext& call,
                                const Caller& caller) {
  auto stream = std::make_shared<ModelStream>(environment, call, caller);
  stream->self_ = stream;
  stream->StartRead(&stream->request_);
  environment.live_calls.Add(stream);
  return stream.get();
}

void ModelStream::OnReadDone(bool ok) {
  {
    MutexLock lock(mutex_);
    has_request_ = true;
  }
  if (ok) caller_.traffic->Received(request_.ByteSizeLong());
  const Status status = ok ? Open(request_) : NoRequest();
  if (status.ok()) {
    SendNext();
  } else {
    Finish(ToGrpcStatus(status));
  }
}

void ModelStream::Tick(Clock::Time now) {
  const Status welcome = environment_.callers.Check(caller_);
  MutexLock lock(mutex_);
  if (call_ == nullptr) return;
  const auto patience =
      (has_request_ ? kPatience : 1) * environment_.stall_timeout;
  if (!welcome.ok() || now - waits_since_ >= patience) {
    call_->TryCancel();
  }
}

Status ModelStream::Open(const v1::FetchModelRequest& request) {
  FEDGAP_ASSIGN_OR_RETURN(const ModelId id,
                          ModelIdFromProto(request.model_id()));
  FEDGAP_ASSIGN_OR_RETURN(snapshot_, environment_.coordinator.GetModel(id));
  offset_ = request.offset();
  const auto total = std::ssize(snapshot_->bytes());
  if (offset_ < 0 || offset_ > total ||
      (offset_ % kModelChunkBytes != 0 && offset_ != total)) {
    return absl::InvalidArgumentError(
        fmt::format("offset {} is not the begin of a chunk of a model of {} "
                    "bytes; chunks have {} bytes",
                    offset_, total, kModelChunkBytes));
  }
  return absl::OkStatus();
}

void ModelStream::SendNext() {
  const auto bytes = snapshot_->bytes();
  const std::int64_t length =
      std::min(kModelChunkBytes, std::ssize(bytes) - offset_);
  if (length <= 0) {
    Finish(grpc::Status::OK);
    return;
  }
  const auto index = static_cast<std::size_t>(offset_ / kModelChunkBytes);
  chunk_ = MessageWithBytes(
      HeadToProto({.offset = offset_,
                   .total_bytes = std::ssize(bytes),
                   .bytes = {},
                   .digest = snapshot_->digest().chunks[index]}),
      kChunkData,
      bytes.subspan(static_cast<std::size_t>(offset_),
                    static_cast<std::size_t>(length)),
      snapshot_);
  sending_bytes_ = static_cast<std::int64_t>(chunk_.Length());
  offset_ += length;
  {
    MutexLock lock(mutex_);
    waits_since_ = environment_.clock.Now();
  }
  StartWrite(&chunk_);
}

void ModelStream::OnWriteDone(bool ok) {
  if (!ok) {
    Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the connection is lost"));
    return;
  }
  sent_bytes_ += sending_bytes_;
  KillPoint("model-chunk-sent");
  SendNext();
}

void ModelStream::OnDone() {
  environment_.coordinator.CountBytesDown(sent_bytes_);
  const auto self = std::move(self_);
  caller_.call.reset();
  MutexLock lock(mutex_);
  call_ = nullptr;
}

}  // namespace fedgap
