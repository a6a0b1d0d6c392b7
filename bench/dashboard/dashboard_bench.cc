// `fedgap dashboard` on the log of a long run, in a real browser: from the
// command to the drawn overview, each view, and how evenly it moves.
//
//   dashboard_bench [--rounds 10000] [--clients 100] [--turns 3] [--json FILE]
//
// A row a turn: open_ms (from starting the program to the drawn overview, all
// of the log read), server_cpu_s until then, server_rss_mb then and at most;
// events and log_mb; of each view view_ms (from choosing it to its second
// frame), and frames and long tasks while it is scrolled through in two seconds
// and while its first chart is dragged over.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "bench/dashboard/long_log.h"
#include "bench/dashboard/page_timing.h"
#include "bench/load/server_process.h"
#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "tests/testing/browser.h"
#include "tests/testing/temp_dir.h"

namespace fedgap::bench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Settings {
  LongLogOptions log;
  int turns = 3;
  fs::path run;
  std::string json;
};

struct LogSize {
  std::int64_t events = 0;
  double mb = 0;
};

LogSize SizeOf(const fs::path& run) {
  LogSize size;
  for (const auto& file : fs::directory_iterator(run / "events")) {
    std::ifstream lines(file.path());
    size.mb += static_cast<double>(file.file_size()) / 1e6;
    for (std::string line; std::getline(lines, line);) ++size.events;
  }
  return size;
}

double NowMs() {
  return std::chrono::duration<double, std::milli>(
             SystemClock().WallNow().time_since_epoch())
      .count();
}

Json ToJson(const Smoothness& s) {
  return {{"frame_ms_p95", s.frame_ms_p95},
          {"frame_ms_most", s.frame_ms_most},
          {"task_ms_most", s.task_ms_most}};
}

// The port that `port_file` says, once it is there.
StatusOr<std::string> AwaitPort(const fs::path& port_file) {
  for (int i = 0; i < 6000; ++i) {
    const StatusOr<std::string> port = ReadFileText(port_file);
    if (port.ok()) return port->substr(0, port->find('\n'));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return absl::UnavailableError("fedgap dashboard does not listen");
}

StatusOr<Json> Turn(const Settings& settings, const fs::path& directory) {
  const fs::path program = fs::read_symlink("/proc/self/exe")
                               .parent_path()
                               .parent_path()
                               .parent_path() /
                           "bin/fedgap";
  const fs::path port_file = directory / "port";
  fs::remove(port_file);
  Browser browser;  // open already, as a person's is
  const double begin = NowMs();
  FEDGAP_ASSIGN_OR_RETURN(
      const auto server,
      ServerProcess::Start(
          {program.string(), "dashboard", settings.run.string(), "--listen",
           "127.0.0.1:0", "--port-file", port_file.string()},
          directory / "log"));
  FEDGAP_ASSIGN_OR_RETURN(const std::string port, AwaitPort(port_file));
  browser.Open("http://127.0.0.1:" + port + "/");
  const double open_ms = WaitForOverview(browser, settings.log.rounds) - begin;
  Json row = {{"open_ms", open_ms},
              {"server_cpu_s", server->CpuSeconds()},
              {"server_rss_mb", server->ResidentMb()},
              {"server_rss_mb_most", server->PeakResidentMb()}};
  for (const char* view : {"resolution", "clients", "events", "overview"}) {
    Json& of_view = row["views"][view] = {{"view_ms", OpenView(browser, view)},
                                          {"scroll", ToJson(Scroll(browser))}};
    if (browser.Run("return !!document.querySelector('.u-over')") == "true") {
      of_view["zoom"] = ToJson(Zoom(browser));
    }
  }
  const std::string errors = browser.Errors();
  if (!errors.empty()) return absl::InternalError("the page: " + errors);
  return row;
}

Status Measure(Settings settings) {
  const TempDir directory;
  if (settings.run.empty()) {
    settings.run = directory / "run";
    FEDGAP_RETURN_IF_ERROR(WriteLongLog(settings.log, settings.run));
  }
  const LogSize size = SizeOf(settings.run);
  Json rows = Json::array();
  for (int i = 0; i < settings.turns; ++i) {
    FEDGAP_ASSIGN_OR_RETURN(Json row, Turn(settings, directory.path()));
    row["events"] = size.events;
    row["log_mb"] = size.mb;
    fmt::print("{}\n", row.dump(1));
    std::fflush(stdout);
    rows.push_back(std::move(row));
  }
  if (!settings.json.empty()) std::ofstream(settings.json) << rows.dump(1);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app("The dashboard on the log of a long run, in a real browser.");
  app.add_option("--rounds", settings.log.rounds)
      ->check(CLI::Range(10, 1'000'000))
      ->capture_default_str();
  app.add_option("--clients", settings.log.clients, "Of every round")
      ->check(CLI::Range(5, 10'000))
      ->capture_default_str();
  app.add_option("--turns", settings.turns)
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--run", settings.run,
                 "Where the log is, or is to be written; else a directory of "
                 "its own, removed at the end")
      ->type_name("DIR");
  app.add_option("--json", settings.json, "Write the rows to this file");
  CLI11_PARSE(app, argc, argv);
  if (!Browser::IsInstalled()) {
    fmt::print(stderr, "dashboard_bench: install chromium-driver\n");
    return 1;
  }
  if (!settings.run.empty() && !fs::exists(settings.run / "events")) {
    const Status written = WriteLongLog(settings.log, settings.run);
    if (!written.ok()) {
      fmt::print(stderr, "dashboard_bench: {}\n", MessageOf(written));
      return 1;
    }
  }
  const Status measured = Measure(settings);
  if (!measured.ok()) {
    fmt::print(stderr, "dashboard_bench: {}\n", MessageOf(measured));
  }
  return measured.ok() ? 0 : 1;
}

}  // namespace
}  // namespace fedgap::bench

int main(int argc, char** argv) { return fedgap::bench::Main(argc, argv); }
