// `fedgap report`: runs as one HTML file that opens anywhere.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/progress_bar.h"
#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "dashboard/model/log_view.h"
#include "dashboard/model/view_json.h"
#include "dashboard/page/page.h"

namespace fedgap {
namespace {

struct ReportFlags {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out = "report.html";
};

Status WriteReport(const ReportFlags& flags) {
  std::string data = R"({"runs":[)";
  for (const auto& run : flags.runs) {
    FEDGAP_ASSIGN_OR_RETURN(auto view, LogView::Open(run));
    FEDGAP_ASSIGN_OR_RETURN(const std::int64_t bytes, view.BytesThere());
    const SystemClock clock;
    ProgressBar bar(clock, stderr, "reading " + run.string(), bytes);
    FEDGAP_RETURN_IF_ERROR(
        view.Refresh([&bar](std::int64_t read) { bar.Advance(read); }));
    if (&run != &flags.runs.front()) data += ',';
    data += ForScript(view.ToJson());
  }
  data += "]}";
  const std::string page = MakePage(data);
  FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(flags.out, std::string_view(page)));
  fmt::print("{}: {} KiB, open it in a browser\n", flags.out.string(),
             (page.size() + 1023) / 1024);
  return absl::OkStatus();
}

}  // namespace

void AddReportCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "report",
      "Runs as one HTML file: accuracy by resolution, influence, "
      "pooled vectors, clients, events.");
  auto flags = std::make_shared<ReportFlags>();
  command
      ->add_option("runs", flags->runs,
                   "Runs' directories, their events/, or files of a log")
      ->type_name("RUN")
      ->required();
  command->add_option("-o,--out", flags->out, "The file to write")
      ->type_name("FILE")
      ->capture_default_str();
  command->footer(
      "The file holds all that it shows and asks no host for anything. It "
      "names\nclients and shows the configuration: mail it to those who may "
      "know them.\n\nExamples:\n"
      "  fedgap report runs/first\n"
      "  fedgap report runs/first runs/second -o compared.html");
  command->callback([flags, &selected] {
    selected = [flags] { return WriteReport(*flags); };
  });
}

}  // namespace fedgap
