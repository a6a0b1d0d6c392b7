// The CSV files of `fedgap export`; docs/EXPORT.md has every column.
#ifndef FEDGAP_CLI_RUN_TABLES_H_
#define FEDGAP_CLI_RUN_TABLES_H_

#include <filesystem>
#include <memory>
#include <string>

#include "cli/exported_run.h"
#include "cli/output_file.h"
#include "common/base/status.h"

namespace fedgap {

// runs.csv, rounds.csv, metrics.csv and clients.csv: one row a run, a round, a
// number, an accepted update. One thread at a time.
class RunTables {
 public:
  // In `directory`; errors of OutputFile::Create.
  static StatusOr<std::unique_ptr<RunTables>> Create(
      const std::filesystem::path& directory, bool replace);

  // The rows of one more run. Errors of ExportedRun::ForEachUpdate.
  Status Add(const std::string& label, const ExportedRun& run);
  // Errors of OutputFile::Commit. Once.
  Status Commit();

 private:
  RunTables() = default;
  void AddRun(const std::string& label, const ExportedRun& run);
  void AddRound(const std::string& label, const RoundView& round);

  std::unique_ptr<OutputFile> runs_;
  std::unique_ptr<OutputFile> rounds_;
  std::unique_ptr<OutputFile> metrics_;
  std::unique_ptr<OutputFile> clients_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLI_RUN_TABLES_H_
