// A run's directory while a program works on the run.
#ifndef FEDGAP_SERVER_STORE_RECORDED_RUN_H_
#define FEDGAP_SERVER_STORE_RECORDED_RUN_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/telemetry/event_json.h"
#include "common/telemetry/event_log.h"
#include "common/telemetry/progress_printer.h"
#include "common/telemetry/report_builder.h"
#include "common/telemetry/tee_event_sink.h"
#include "server/store/sqlite_run_store.h"

namespace fedgap {

// The store, the event log, the report that grows with it, and the lines for
// the person who watches, opened together. Not thread-safe but for events().
class RecordedRun {
 public:
  struct Options {
    std::filesystem::path directory;
    // As it will take effect; a directory that holds a run of another one is
    // refused. Empty: whatever it holds.
    std::string config_toml;
    // A configuration as this version writes it, without what makes no other
    // run: one that an earlier version stored lacks the keys that are new
    // since, which have their defaults then. Null: compared as they are.
    std::function<StatusOr<std::string>(const std::string&)> comparable =
        nullptr;
    int keep_models = 0;   // SqliteRunStore::Options
    bool progress = true;  // lines for the person who watches
    // Gets those lines, one or more, each with its line feed. Null: stdout.
    ProgressPrinter::Write write_progress = nullptr;
    // EventLog::Options::on_failure.
    std::function<void(const Status&)> on_log_failure = nullptr;
    // Gets each event that the log holds already, before Open returns.
    std::function<void(const LoggedEvent&)> on_recorded = nullptr;
    // Gets each event from then on; outlives the run. Null: nobody.
    EventSink* observer = nullptr;
  };

  // `clock` must outlive it. FAILED_PRECONDITION: the directory holds a run of
  // another configuration (the message has the first line that differs); the
  // errors of SqliteRunStore::Open and EventLog::Open.
  static StatusOr<std::unique_ptr<RecordedRun>> Open(const Options& options,
                                                     const Clock& clock);

  // Whether the directory held no run.
  bool is_new() const { return is_new_; }
  SqliteRunStore& store() { return *store_; }
  EventSink& events() { return tee_; }
  // For lines that are no events.
  ProgressPrinter& progress() { return progress_; }

  // Once the store is restored: emits the commits whose events a crash kept
  // from the log, and the store's warnings.
  Status EmitWhatWasLost();

  // Ends the log's part: everything is on the disk, with a report, and the
  // lines on stdout are out. The errors of fedgap::WriteReport, then those of
  // EventLog::status.
  Status WriteReport();
  RunReport Report() const { return report_.Report(); }

 private:
  RecordedRun(const Clock& clock, std::unique_ptr<SqliteRunStore> store,
              std::unique_ptr<EventLog> log, const Options& options);
  std::vector<EventSink*> Sinks(const Options& options);

  bool is_new_ = true;
  std::unique_ptr<SqliteRunStore> store_;
  std::unique_ptr<EventLog> log_;
  ReportBuilder report_;
  ProgressPrinter progress_;
  TeeEventSink tee_;
};

// The configuration of the run in `directory`, as it took effect. NOT_FOUND if
// it holds none.
StatusOr<std::string> StoredConfig(const std::filesystem::path& directory);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_RECORDED_RUN_H_
