#include "client/rpc/grpc_federation_api.h"

#include <fmt/format.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <span>
#include <utility>

#include "client/rpc/blocking_stream.h"
#include "client/rpc/grpc_connection.h"
#include "client/rpc/model_download.h"
#include "common/base/kill_point.h"
#include "common/base/mutex.h"
#include "common/rpc/message_buffer.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "common/wire/limits.h"
#include "common/wire/task_wire.h"
#include "common/wire/update_wire.h"

namespace fedgap {
namespace {

using Call = GrpcConnection::Call;

constexpr std::array kModelData = {int{v1::ModelChunk::kDataFieldNumber}};
constexpr std::array kUpdateData = {int{v1::SubmitRequest::kChunkFieldNumber},
                                    int{v1::UpdateChunk::kDataFieldNumber}};

// The name of a call on the wire.
std::string PathOf(const char* call) {
  return fmt::format("/{}/{}", v1::Federation::service_full_name(), call);
}

grpc::ByteBuffer BufferOf(const v1::SubmitRequest& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

Status Cancelled() { return absl::CancelledError("cancelled"); }

// A transfer that ends like this can go on from where it stopped.
bool CanResume(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsDataLoss(status);
}

// Attempts one after the other that bring nothing. The first after a break may
// still meet the dying connection; more is for the caller, who waits first.
constexpr int kMaxFruitless = 3;

// The server ends each call by its age: the next one is opened here, so that
// the caller sees one stream.
class GrpcTaskSource final : public TaskSource {
 public:
  // `leaving`: the server ends the stream of a client that says goodbye, and
  // would take the next call for its return.
  GrpcTaskSource(GrpcConnection& connection, std::chrono::milliseconds timeout,
                 const TaskId& last, const std::atomic<bool>& leaving)
      : connection_(connection),
        timeout_(timeout),
        leaving_(leaving),
        last_(last) {
    Open();
  }
  ~GrpcTaskSource() override {
    Close();
    if (end_.ok()) reader_->Finish();
  }

  StatusOr<Task> Next() override {
    while (end_.ok()) {
      FEDGAP_ASSIGN_OR_RETURN(std::optional<Task> task, ReadTask());
      if (task.has_value()) return *std::move(task);
      end_ = connection_.Explain(reader_->Finish());
      if (closed() || leaving_) end_ = Cancelled();
      if (!end_.ok()) break;
      if (is_over_ || !has_read_) {
        end_ = absl::UnavailableError(
            "the server ended the stream of tasks; open it again");
      } else {
        Open();
      }
    }
    return end_;
  }

  void Close() override {
    MutexLock lock(mutex_);
    closed_ = true;
    call_->Cancel();
  }

 private:
  void Open() EXCLUDES(mutex_) {
    auto call = std::make_unique<Call>(connection_, timeout_);
    v1::TasksRequest request;
    request.set_last_task_id(last_.value);
    has_read_ = false;
    reader_ = connection_.stub()->Tasks(call->context(), request);
    MutexLock lock(mutex_);
    if (closed_) call->Cancel();
    call_ = std::move(call);
  }

  // Nothing: the call has ended.
  StatusOr<std::optional<Task>> ReadTask() {
    v1::TasksReply message;
    while (reader_->Read(&message)) {
      has_read_ = true;
      FEDGAP_ASSIGN_OR_RETURN(std::optional<Task> task, FromProto(message));
      if (!task.has_value()) continue;
      last_ = task->id;
      is_over_ = std::holds_alternative<FinishedNotice>(task->work);
      return task;
    }
    return std::nullopt;
  }

  bool closed() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return closed_;
  }

  GrpcConnection& connection_;
  const std::chrono::milliseconds timeout_;
  const std::atomic<bool>& leaving_;
  TaskId last_;
  bool has_read_ = false;  // anything, on this call
  bool is_over_ = false;   // the last task says that the run is
  Status end_;             // OK while a call is open
  mutable Mutex mutex_;
  // Before reader_, which uses its context.
  std::unique_ptr<Call> call_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::ClientReader<v1::TasksReply>> reader_;
};

}  // namespace

class GrpcFederationApi::Impl {
 public:
  Impl(Options options, std::unique_ptr<GrpcConnection> connection)
      : options_(std::move(options)), connection_(std::move(connection)) {}

  StatusOr<JoinReply> Join(const JoinRequest& request);
  StatusOr<std::unique_ptr<TaskSource>> OpenTasks(const TaskId& last);
  StatusOr<Parameters> FetchModel(const ModelId& id, Parameters memory);
  StatusOr<Verdict> SubmitUpdate(const Update& update);
  Status Decline(const TaskId& task, const std::string& reason);
  Status Leave(const std::string& reason);
  void Cancel() { connection_->Cancel(); }

 private:
  // One attempt; what has arrived stays in download_.
  Status Fetch();
  // The next chunk of it.
  Status Take(grpc::ByteBuffer& message);
  // One attempt. `resumed_from`: where the server wanted it to go on, -1 if it
  // said nothing.
  StatusOr<Verdict> Submit(const v1::SubmitRequest& header,
                           std::span<const std::uint8_t> bytes,
                           std::int64_t* resumed_from);

  const Options options_;
  const std::unique_ptr<GrpcConnection> connection_;
  std::optional<JoinReply> joined_;
  std::optional<ModelDownload> download_;
  std::atomic<bool> leaving_ = false;
};

StatusOr<JoinReply> GrpcFederationApi::Impl::Join(const JoinRequest& request) {
  connection_->StartAfresh();
  connection_->SetInstance(request.instance);
  Call call(*connection_, options_.call_timeout);
  v1::JoinReply message;
  FEDGAP_RETURN_IF_ERROR(connection_->ExplainFirst(
      connection_->stub()->Join(call.context(), ToProto(request), &message)));
  FEDGAP_ASSIGN_OR_RETURN(joined_, FromProto(message));
  leaving_ = false;
  return *joined_;
}

StatusOr<std::unique_ptr<TaskSource>> GrpcFederationApi::Impl::OpenTasks(
    const TaskId& last) {
  return std::make_unique<GrpcTaskSource>(*connection_, options_.stream_timeout,
                                          last, leaving_);
}

StatusOr<Parameters> GrpcFederationApi::Impl::FetchModel(const ModelId& id,
                                                         Parameters memory) {
  if (!joined_.has_value()) {
    return absl::FailedPreconditionError("join before a model is fetched");
  }
  if (!download_.has_value() || download_->id() != id) {
    download_.emplace(id, joined_->layout_hash, joined_->max_update_bytes,
                      std::move(memory));
  }
  int fruitless = 0;
  while (true) {
    const std::int64_t before = download_->offset();
    const Status status = Fetch();
    if (status.ok()) {
      StatusOr<Parameters> parameters = download_->Take();
      download_.reset();
      return parameters;
    }
    fruitless = download_->offset() > before ? 0 : fruitless + 1;
    if (!CanResume(status) || fruitless == kMaxFruitless) return status;
  }
}

Status GrpcFederationApi::Impl::Fetch() {
  Call call(*connection_, options_.transfer_timeout);
  v1::FetchModelRequest request;
  request.set_model_id(ModelIdToProto(download_->id()));
  request.set_offset(download_->offset());
  BlockingStream<v1::FetchModelRequest, grpc::ByteBuffer> stream(
      connection_->channel(), call.context(), PathOf("FetchModel"));
  stream.WriteLast(request);
  grpc::ByteBuffer message;
  Status status;
  while (status.ok() && stream.Read(&message)) {
    status = Take(message);
    KillPoint("model-chunk-received");
  }
  if (!status.ok()) call.Cancel();
  const grpc::Status end = stream.Finish();
  return status.ok() ? connection_->Explain(end) : status;
}

Status GrpcFederationApi::Impl::Take(grpc::ByteBuffer& message) {
  v1::ModelChunk proto;
  BytePieces bytes;
  StatusOr<ModelChunkView> chunk;
  if (SplitMessage(message, kModelData, proto, bytes)) {
    chunk = FromProto(proto, std::move(bytes));
  } else {
    using Traits = grpc::SerializationTraits<v1::ModelChunk>;
    if (!Traits::Deserialize(&message, &proto).ok()) {
      return absl::InternalError("the server sent bytes that are no chunk");
    }
    chunk = FromProto(proto);
  }
  FEDGAP_RETURN_IF_ERROR(chunk.status());
  return download_->Add(*chunk);
}

StatusOr<Verdict> GrpcFederationApi::Impl::SubmitUpdate(const Update& update) {
  if (!joined_.has_value()) {
    return absl::FailedPreconditionError("join before an update is sent");
  }
  v1::SubmitRequest header;
  *header.mutable_header() = ToProto(HeaderOf(update, joined_->layout_hash));
  const auto info_bytes =
      static_cast<std::int64_t>(header.header().info().ByteSizeLong());
  if (info_bytes > kMaxUpdateInfoBytes) {
    return absl::ResourceExhaustedError(fmt::format(
        "the statistics of this update have {} bytes, at most {} fit; the "
        "server's pooled = \"mean\" makes them smaller",
        info_bytes, kMaxUpdateInfoBytes));
  }
  const std::span<const float> delta(update.delta);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(delta.data()),
                        delta.size_bytes());
  std::int64_t furthest = -1;
  int fruitless = 0;
  while (true) {
    std::int64_t resumed_from = -1;
    StatusOr<Verdict> verdict = Submit(header, bytes, &resumed_from);
    fruitless = resumed_from > furthest ? 0 : fruitless + 1;
    furthest = std::max(furthest, resumed_from);
    if (verdict.ok() || !CanResume(verdict.status()) ||
        fruitless == kMaxFruitless) {
      return verdict;
    }
  }
}

StatusOr<Verdict> GrpcFederationApi::Impl::Submit(
    const v1::SubmitRequest& header, std::span<const std::uint8_t> bytes,
    std::int64_t* resumed_from) {
  Call call(*connection_, options_.transfer_timeout);
  BlockingStream<grpc::ByteBuffer, v1::SubmitReply> stream(
      connection_->channel(), call.context(), PathOf("SubmitUpdate"));
  v1::SubmitReply reply;
  bool replied = stream.Write(BufferOf(header)) && stream.Read(&reply);
  if (replied && reply.has_resume_from()) {
    std::int64_t offset = reply.resume_from();
    if (offset < 0 || offset > std::ssize(bytes)) {
      call.Cancel();
      stream.Finish();
      return absl::InternalError(
          fmt::format("the server wants byte {} of an update of {} bytes",
                      offset, bytes.size()));
    }
    *resumed_from = offset;
    bool sent = true;
    while (sent && offset < std::ssize(bytes)) {
      const auto length =
          std::min(kUpdateChunkBytes, std::ssize(bytes) - offset);
      const auto part = bytes.subspan(static_cast<std::size_t>(offset),
                                      static_cast<std::size_t>(length));
      // Copied: gRPC may hold on to what it sends of a call that is cancelled.
      sent = stream.Write(MessageWithBytes(HeadToProto({offset, part}),
                                           kUpdateData, part,
                                           /*owner=*/nullptr));
      KillPoint("update-chunk-sent");
      offset += length;
    }
    replied = stream.Read(&reply);
  }
  FEDGAP_RETURN_IF_ERROR(connection_->Explain(stream.Finish()));
  if (!replied || reply.content_case() != v1::SubmitReply::kVerdict) {
    return absl::InternalError("the server gave no verdict");
  }
  return FromProto(reply.verdict());
}

Status GrpcFederationApi::Impl::Decline(const TaskId& task,
                                        const std::string& reason) {
  Call call(*connection_, options_.call_timeout);
  v1::DeclineRequest request;
  request.set_task_id(task.value);
  request.set_reason(ReasonToProto(reason));
  v1::DeclineReply reply;
  return connection_->Explain(
      connection_->stub()->Decline(call.context(), request, &reply));
}

Status GrpcFederationApi::Impl::Leave(const std::string& reason) {
  leaving_ = true;
  Call call(*connection_, options_.leave_timeout, /*cancellable=*/false);
  v1::LeaveRequest request;
  request.set_reason(ReasonToProto(reason));
  request.set_instance(connection_->instance());
  v1::LeaveReply reply;
  return connection_->Explain(
      connection_->stub()->Leave(call.context(), request, &reply));
}

StatusOr<std::unique_ptr<GrpcFederationApi>> GrpcFederationApi::Create(
    Options options, const Clock& clock) {
  FEDGAP_ASSIGN_OR_RETURN(auto connection,
                          GrpcConnection::Create(options, clock));
  return std::unique_ptr<GrpcFederationApi>(new GrpcFederationApi(
      std::make_unique<Impl>(std::move(options), std::move(connection))));
}

GrpcFederationApi::GrpcFederationApi(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
GrpcFederationApi::~GrpcFederationApi() = default;

StatusOr<JoinReply> GrpcFederationApi::Join(const JoinRequest& request) {
  return impl_->Join(request);
}
StatusOr<std::unique_ptr<TaskSource>> GrpcFederationApi::OpenTasks(
    const TaskId& last) {
  return impl_->OpenTasks(last);
}
StatusOr<Parameters> GrpcFederationApi::FetchModel(const ModelId& id,
                                                   Parameters memory) {
  return impl_->FetchModel(id, std::move(memory));
}
StatusOr<Verdict> GrpcFederationApi::SubmitUpdate(const Update& update) {
  return impl_->SubmitUpdate(update);
}
Status GrpcFederationApi::Decline(const TaskId& task,
                                  const std::string& reason) {
  return impl_->Decline(task, reason);
}
Status GrpcFederationApi::Leave(const std::string& reason) {
  return impl_->Leave(reason);
}
void GrpcFederationApi::Cancel() { impl_->Cancel(); }

}  // namespace fedgap
