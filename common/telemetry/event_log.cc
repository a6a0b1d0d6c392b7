#include "common/telemetry/event_log.h"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/base_sink.h>

#include <exception>
#include <string>
#include <utility>

#include "common/base/mutex.h"
#include "common/telemetry/event_json.h"
#include "common/telemetry/segment_writer.h"

namespace fedgap {
namespace {

// Runs on spdlog's thread. spdlog 1.10 posts a flush and does not wait for it,
// so flushes are counted here.
class SegmentSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  SegmentSink(std::unique_ptr<SegmentWriter> writer,
              std::function<void(const Status&)> on_failure)
      : writer_(std::move(writer)), on_failure_(std::move(on_failure)) {}

  void WaitForFlushes(std::uint64_t flushes) EXCLUDES(state_mutex_) {
    MutexLock lock(state_mutex_);
    while (flushes_ < flushes) flushed_.Wait(state_mutex_);
  }
  Status status() const EXCLUDES(state_mutex_) {
    MutexLock lock(state_mutex_);
    return status_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    Keep(writer_->Append({message.payload.data(), message.payload.size()}));
  }
  void flush_() override {
    Keep(writer_->Sync());
    MutexLock lock(state_mutex_);
    ++flushes_;
    flushed_.NotifyAll();
  }
  void Keep(const Status& status) EXCLUDES(state_mutex_) {
    if (status.ok()) return;
    {
      MutexLock lock(state_mutex_);
      if (!status_.ok()) return;
      status_ = status;
    }
    if (on_failure_) on_failure_(status);
  }

  std::unique_ptr<SegmentWriter> writer_;
  const std::function<void(const Status&)> on_failure_;
  mutable Mutex state_mutex_;
  CondVar flushed_;
  std::uint64_t flushes_ GUARDED_BY(state_mutex_) = 0;
  Status status_ GUARDED_BY(state_mutex_);
};

}  // namespace

class EventLog::Impl {
 public:
  // Throws what std::thread throws.
  Impl(const Clock& clock, const EventLogTail& tail,
       std::unique_ptr<SegmentWriter> writer, const Options& options)
      : clock_(clock),
        start_(tail.start + 1),
        pool_(std::make_shared<spdlog::details::thread_pool>(
            static_cast<std::size_t>(options.queue_events), 1)),
        sink_(std::make_shared<SegmentSink>(std::move(writer),
                                            options.on_failure)),
        logger_(std::make_shared<spdlog::async_logger>(
            "events", sink_, pool_, spdlog::async_overflow_policy::block)),
        seq_(tail.seq) {
    logger_->set_level(spdlog::level::trace);
    logger_->flush_on(spdlog::level::off);
  }

  // The thread ends before what it uses: spdlog counts references in code that
  // ThreadSanitizer does not see.
  ~Impl() { pool_.reset(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Emit(const Event& event) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (const auto* round = std::get_if<RoundStartedEvent>(&event)) {
      attempt_ = round->attempt;
    }
    const EventHeader header{.seq = ++seq_,
                             .start = start_,
                             .attempt = attempt_,
                             .time = clock_.WallNow()};
    // Under the lock: lines stand in the order of their numbers.
    logger_->log(spdlog::level::info, ToJsonLine(header, event));
    const bool ends = std::holds_alternative<RoundCommittedEvent>(event) ||
                      std::holds_alternative<RoundAbortedEvent>(event);
    if (ends) attempt_ = 0;
  }

  void Flush() EXCLUDES(mutex_) {
    std::uint64_t flushes = 0;
    {
      MutexLock lock(mutex_);
      flushes = ++flushes_;
      logger_->flush();
    }
    sink_->WaitForFlushes(flushes);
  }

  Status status() const { return sink_->status(); }
  int start() const { return start_; }

 private:
  const Clock& clock_;
  const int start_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<SegmentSink> sink_;
  std::shared_ptr<spdlog::async_logger> logger_;
  Mutex mutex_;
  std::uint64_t seq_ GUARDED_BY(mutex_);
  std::uint64_t flushes_ GUARDED_BY(mutex_) = 0;
  int attempt_ GUARDED_BY(mutex_) = 0;
};

StatusOr<std::unique_ptr<EventLog>> EventLog::Open(
    const std::filesystem::path& directory, const Clock& clock,
    const Options& options) {
  FEDGAP_ASSIGN_OR_RETURN(const EventLogTail tail, FindTail(directory));
  FEDGAP_ASSIGN_OR_RETURN(
      auto writer, SegmentWriter::Open(directory, tail, options.segment_bytes));
  std::unique_ptr<EventLog> log;
  try {
    log.reset(new EventLog(
        std::make_unique<Impl>(clock, tail, std::move(writer), options)));
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot start the event log's writer: {}", error.what()));
  }
  if (tail.torn_bytes > 0) {
    log->Emit(WarningEvent{fmt::format(
        "{} bytes of a torn line were cut off segment {} of the event log",
        tail.torn_bytes, tail.segment)});
  }
  return log;
}

EventLog::EventLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventLog::~EventLog() { Flush(); }

void EventLog::Emit(const Event& event) { impl_->Emit(event); }
void EventLog::Flush() { impl_->Flush(); }
Status EventLog::status() const { return impl_->status(); }
int EventLog::start() const { return impl_->start(); }

}  // namespace fedgap
