// `fedgap logs RUN`: what happened in a run, for a person or as JSON.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/run_log.h"
#include "cli/terminal.h"
#include "common/base/file_watch.h"
#include "common/base/wrong_usage.h"
#include "common/telemetry/event_follower.h"
#include "common/telemetry/event_summary.h"
#include "common/telemetry/human_log.h"

namespace fedgap {
namespace {

struct LogsFlags {
  std::filesystem::path run;
  std::vector<std::string> clients;
  std::vector<std::string> kinds;
  std::string level = "debug";
  std::int64_t from_round = 0;
  std::int64_t to_round = 0;
  std::int64_t tail = 0;
  bool follow = false;
  bool json = false;
};

// Says which lines are wanted and prints them.
class LogPrinter {
 public:
  LogPrinter(const LogsFlags& flags, EventLevel level)
      : flags_(flags), level_(level), colour_(ShowsColour(stdout)) {}

  void Take(const EventFollower::Line& line) {
    if (line.event == nullptr) return;
    if (std::holds_alternative<RunStartedEvent>(line.event->event)) {
      is_over_ = false;
    } else if (std::holds_alternative<RunFinishedEvent>(line.event->event)) {
      is_over_ = true;
    }
    const EventSummary summary = Summarize(line.event->event);
    if (!IsWanted(line.event->event, summary)) return;
    const std::string text = flags_.json
                                 ? std::string(line.text)
                                 : ForPeople(line.event->header, summary);
    if (flags_.tail == 0) {
      fmt::print("{}\n", text);
      return;
    }
    last_.push_back(text);
    if (static_cast<std::int64_t>(last_.size()) > flags_.tail) {
      last_.pop_front();
    }
  }
  // What --tail kept, at the end of what is there now.
  void Flush() {
    for (const std::string& text : last_) fmt::print("{}\n", text);
    last_.clear();
    std::fflush(stdout);
  }
  bool is_over() const { return is_over_; }

 private:
  bool IsWanted(const Event& event, const EventSummary& summary) const {
    if (summary.level < level_) return false;
    if (flags_.from_round > 0 && summary.round < flags_.from_round) {
      return false;
    }
    if (flags_.to_round > 0 &&
        (summary.round == 0 || summary.round > flags_.to_round)) {
      return false;
    }
    if (!flags_.kinds.empty() &&
        std::ranges::find(flags_.kinds, summary.type) == flags_.kinds.end()) {
      return false;
    }
    return flags_.clients.empty() || IsOfAClient(event, summary);
  }

  // A round's own events are of every client that it names.
  bool IsOfAClient(const Event& event, const EventSummary& summary) const {
    const auto names = [this](const std::vector<ClientName>& list) {
      return std::ranges::any_of(
          list, [this](const ClientName& name) { return IsAsked(name.value); });
    };
    if (const auto* e = std::get_if<RoundStartedEvent>(&event)) {
      return names(e->cohort);
    }
    if (const auto* e = std::get_if<RoundCommittedEvent>(&event)) {
      return names(e->contributors);
    }
    return IsAsked(summary.client);
  }
  bool IsAsked(const std::string& client) const {
    return std::ranges::find(flags_.clients, client) != flags_.clients.end();
  }

  std::string ForPeople(const EventHeader& header,
                        const EventSummary& summary) const {
    const bool is_warning = summary.level == EventLevel::kWarning;
    const Ink ink = is_warning                            ? Ink::kYellow
                    : summary.level == EventLevel::kDebug ? Ink::kDim
                                                          : Ink::kPlain;
    std::string text = fmt::format("{:<7}", ToString(summary.level));
    if (summary.round > 0) text += fmt::format("  round {}", summary.round);
    text += fmt::format("  {}", summary.type);
    if (!summary.client.empty()) text += "  " + summary.client;
    text += "  " + summary.text;
    return Paint(FormatTime(header.time), Ink::kDim, colour_) + "  " +
           Paint(WithoutControls(text), ink, colour_);
  }

  const LogsFlags& flags_;
  const EventLevel level_;
  const bool colour_;
  bool is_over_ = false;
  std::deque<std::string> last_;
};

Status CheckKinds(const std::vector<std::string>& kinds) {
  for (const std::string& kind : kinds) {
    if (IsEventType(kind)) continue;
    return WrongUsage(
        fmt::format("no kind of event '{}': use {}", kind, EventTypes()));
  }
  return absl::OkStatus();
}

Status Logs(LogsFlags flags) {
  const StatusOr<EventLevel> level = EventLevelFromString(flags.level);
  if (!level.ok()) return WrongUsage(MessageOf(level.status()));
  FEDGAP_RETURN_IF_ERROR(CheckKinds(flags.kinds));
  FEDGAP_ASSIGN_OR_RETURN(EventFollower follower,
                          EventFollower::Open(flags.run));
  LogPrinter printer(flags, *level);
  const auto take = [&printer](const EventFollower::Line& line) {
    printer.Take(line);
  };
  std::optional<FileWatch> watch;
  if (flags.follow) {
    FEDGAP_ASSIGN_OR_RETURN(watch, FileWatch::Create(follower.path()));
  }
  FEDGAP_RETURN_IF_ERROR(follower.Read(take));
  printer.Flush();
  flags.tail = 0;
  while (flags.follow && !printer.is_over()) {
    watch->Wait(std::chrono::hours(1));
    FEDGAP_RETURN_IF_ERROR(follower.Read(take));
    printer.Flush();
  }
  const std::string damage = Describe(follower.damage());
  if (!damage.empty()) fmt::print(stderr, "fedgap: the log: {}\n", damage);
  return absl::OkStatus();
}

}  // namespace

void AddLogsCommand(CLI::App& app, Action& selected) {
  CLI::App* command =
      app.add_subcommand("logs", "What happened in a run, event by event.");
  auto flags = std::make_shared<LogsFlags>();
  command
      ->add_option("run", flags->run,
                   "A run's directory, its events/, or one file of a log")
      ->type_name("RUN")
      ->required();
  command
      ->add_option("--client", flags->clients,
                   "Only events of this client (repeatable)")
      ->allow_extra_args(false);
  command
      ->add_option("--kind", flags->kinds,
                   "Only this kind (repeatable): " + EventTypes())
      ->allow_extra_args(false);
  command->add_option("--level", flags->level, "This level and those above it")
      ->type_name("debug|info|warning")
      ->capture_default_str();
  command->add_option("--from-round", flags->from_round,
                      "Only of this round or later ones");
  command->add_option("--to-round", flags->to_round,
                      "Only of this round or earlier ones");
  command
      ->add_option("--tail", flags->tail, "Only the last N of what is wanted")
      ->type_name("N")
      ->check([](const std::string& text) -> std::string {
        return text.starts_with('-') ? text + " is less than 0: give 0 or more"
                                     : "";
      });
  command->add_flag("-f,--follow", flags->follow,
                    "Go on as the log grows, until the run is over");
  command->add_flag("--json", flags->json,
                    "The lines as they are in the log (docs/EVENTS.md)");
  command->footer(
      "Times are UTC. A log that ends in half a line, or holds lines that\n"
      "cannot be read, is shown as far as it goes; stderr says what was left\n"
      "out.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\n"
      "Examples:\n"
      "  fedgap logs runs/first --level warning\n"
      "  fedgap logs runs/first --client site-3 --follow\n"
      "  fedgap logs runs/first --kind round_committed --json | jq .seconds");
  command->callback(
      [flags, &selected] { selected = [flags] { return Logs(*flags); }; });
}

}  // namespace fedgap
