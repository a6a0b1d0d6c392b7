#include "bench/load/logical_clients.h"

#include <chrono>
#include <utility>
#include <variant>

#include "common/base/check.h"

namespace fedgap::bench {
namespace {

constexpr std::int64_t kSamples = 600;

}  // namespace

LogicalClients::LogicalClients(std::vector<GrpcFederationApi::Options> options,
                               std::function<void(Round)> on_commit)
    : options_(std::move(options)), on_commit_(std::move(on_commit)) {
  for (std::size_t i = 0; i < options_.size(); ++i) {
    threads_.emplace_back([this, i] { Live(i); });
  }
}

LogicalClients::~LogicalClients() { Wait(); }

LogicalClients::Counts LogicalClients::Wait() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  MutexLock lock(mutex_);
  return counts_;
}

void LogicalClients::Live(std::size_t index) {
  auto api = GrpcFederationApi::Create(options_[index], clock_);
  FEDGAP_CHECK(api.ok());
  while (true) {
    const Status end = LiveSession(index, **api);
    if (end.ok()) return;
    {
      MutexLock lock(mutex_);
      ++counts_.disconnected;
    }
    // The run is over, or this client is not wanted.
    if (absl::IsFailedPrecondition(end) || absl::IsPermissionDenied(end))
      return;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Status LogicalClients::LiveSession(std::size_t index, FederationApi& api) {
  JoinRequest request;
  request.samples = kSamples;
  request.min_pixels = request.max_pixels = 28 * 28;
  request.software = "load_bench";
  request.instance = index + 1;
  FEDGAP_RETURN_IF_ERROR(api.Join(request).status());
  ++joined_;
  FEDGAP_ASSIGN_OR_RETURN(const auto stream, api.OpenTasks({}));
  Parameters memory;
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const Task task, stream->Next());
    if (std::holds_alternative<FinishedNotice>(task.work)) {
      return absl::OkStatus();
    }
    if (std::holds_alternative<CommittedNotice>(task.work) && index == 0) {
      on_commit_(task.round);
    }
    if (std::holds_alternative<TrainTask>(task.work) ||
        std::holds_alternative<EvaluateTask>(task.work)) {
      FEDGAP_RETURN_IF_ERROR(Answer(api, task, memory));
    }
  }
}

Status LogicalClients::Answer(FederationApi& api, const Task& task,
                              Parameters& memory) {
  FEDGAP_ASSIGN_OR_RETURN(memory, api.FetchModel(task.base, std::move(memory)));
  Update update;
  update.info.task = task.id;
  update.info.round = task.round;
  update.info.base = task.base;
  update.info.counts = {{0, kSamples, kSamples * 28 * 28}};
  update.info.local_steps = 1;
  const bool trains = std::holds_alternative<TrainTask>(task.work);
  if (trains) {
    // Small, and no two alike.
    for (float& value : memory) value = value * 1e-3F + 1e-6F;
    update.delta = std::move(memory);
  }
  const StatusOr<Verdict> verdict = api.SubmitUpdate(update);
  if (trains) memory = std::move(update.delta);
  MutexLock lock(mutex_);
  if (verdict.ok()) {
    if (!trains) return absl::OkStatus();
    ++(*verdict == Verdict::kAccepted ? counts_.accepted : counts_.copies);
    return absl::OkStatus();
  }
  if (absl::IsUnavailable(verdict.status())) return verdict.status();
  ++counts_.refused;
  return absl::OkStatus();
}

}  // namespace fedgap::bench
