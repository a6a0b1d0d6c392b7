#include "server/store/recorded_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "common/telemetry/event_reader.h"

namespace fedgap {
namespace {

// The first line in which two configurations differ, of each.
std::string FirstDifference(const std::string& stored,
                            const std::string& given) {
  std::istringstream stored_lines(stored);
  std::istringstream given_lines(given);
  std::string a;
  std::string b;
  while (a == b) {
    if (!std::getline(stored_lines, a)) a = "nothing more";
    if (!std::getline(given_lines, b)) b = "nothing more";
    if (!stored_lines && !given_lines) break;
  }
  return fmt::format("stored '{}', given '{}'", a, b);
}

Status CheckSameConfig(const RunDirectory& directory, std::string stored,
                       const RecordedRun::Options& options) {
  std::string given = options.config_toml;
  if (given.empty() || stored == given) return absl::OkStatus();
  if (options.comparable != nullptr) {
    for (std::string* const toml : {&stored, &given}) {
      auto comparable = options.comparable(*toml);
      if (comparable.ok()) *toml = *std::move(comparable);
    }
    if (stored == given) return absl::OkStatus();
  }
  return absl::FailedPreconditionError(fmt::format(
      "{} holds a run of another configuration ({}); go on with it by --resume "
      "{}, or give another --run-dir",
      directory.root.string(), FirstDifference(stored, given),
      directory.root.string()));
}

void WriteToStdout(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

StatusOr<std::unique_ptr<RecordedRun>> RecordedRun::Open(const Options& options,
                                                         const Clock& clock) {
  FEDGAP_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteRunStore> store,
      SqliteRunStore::Open(options.directory,
                           {.keep_models = options.keep_models}));
  // Not config.toml, which is a copy for people.
  FEDGAP_ASSIGN_OR_RETURN(const std::optional<RunRecord> stored,
                          store->FindRun());
  if (stored.has_value()) {
    FEDGAP_RETURN_IF_ERROR(
        CheckSameConfig(store->directory(), stored->config_toml, options));
  }
  FEDGAP_ASSIGN_OR_RETURN(
      std::unique_ptr<EventLog> log,
      EventLog::Open(store->directory().events(), clock,
                     {.on_failure = options.on_log_failure}));
  std::unique_ptr<RecordedRun> run(
      new RecordedRun(clock, std::move(store), std::move(log), options));
  run->is_new_ = !stored.has_value();
  // Of the rounds before a restart, too.
  FEDGAP_RETURN_IF_ERROR(
      ReadEvents(run->store_->directory().events(),
                 [&run, &options](const LoggedEvent& logged) {
                   run->report_.Emit(logged.event);
                   if (options.on_recorded) options.on_recorded(logged);
                 }));
  return run;
}

RecordedRun::RecordedRun(const Clock& clock,
                         std::unique_ptr<SqliteRunStore> store,
                         std::unique_ptr<EventLog> log, const Options& options)
    : store_(std::move(store)),
      log_(std::move(log)),
      progress_(
          clock,
          {.terminal = !options.write_progress && ::isatty(STDOUT_FILENO) == 1},
          options.write_progress ? options.write_progress
                                 : ProgressPrinter::Write(WriteToStdout)),
      tee_(Sinks(options)) {}

std::vector<EventSink*> RecordedRun::Sinks(const Options& options) {
  std::vector<EventSink*> sinks = {log_.get(), &report_};
  if (options.progress) sinks.push_back(&progress_);
  if (options.observer != nullptr) sinks.push_back(options.observer);
  return sinks;
}

Status RecordedRun::EmitWhatWasLost() {
  FEDGAP_RETURN_IF_ERROR(EmitMissingCommits(*store_, tee_));
  for (const std::string& warning : store_->warnings()) {
    tee_.Emit(WarningEvent{warning});
  }
  return absl::OkStatus();
}

Status RecordedRun::WriteReport() {
  log_->Flush();
  const Status written =
      fedgap::WriteReport(report_.Report(), store_->directory().report());
  progress_.Drain();
  FEDGAP_RETURN_IF_ERROR(written);
  return Annotate(log_->status(), "the event log has holes");
}

StatusOr<std::string> StoredConfig(const std::filesystem::path& directory) {
  StatusOr<std::string> text = ReadFileText(RunDirectory{directory}.config());
  if (!text.ok()) {
    return absl::NotFoundError(fmt::format(
        "{} holds no run: {}", directory.string(), MessageOf(text.status())));
  }
  return text;
}

}  // namespace fedgap
