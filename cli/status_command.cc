// `fedgap status` and `fedgap admin`: how a running server stands, and what an
// operator may do to it.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "common/federation/run_status.h"
#include "common/telemetry/human_log.h"

namespace fedgap {
namespace {

struct StatusFlags {
  AdminClient::Options server;
  bool watch = false;
  bool clients = true;
  std::string reason;
  std::string client;  // of kick
};

std::pair<std::string_view, Ink> PhaseText(RunPhase phase) {
  switch (phase) {
    case RunPhase::kWaiting:
      return {"waiting for clients", Ink::kYellow};
    case RunPhase::kCollecting:
      return {"collecting updates", Ink::kGreen};
    case RunPhase::kClosing:
      return {"closing the round", Ink::kGreen};
    case RunPhase::kPaused:
      return {"paused", Ink::kYellow};
    case RunPhase::kFinished:
      return {"finished", Ink::kBold};
  }
  return {"unknown", Ink::kRed};
}

// "[######....] 12/24".
std::string Bar(std::int64_t done, std::int64_t of) {
  return fmt::format("[{}] {}/{}", BarMarks(done, of, 24), done, of);
}

std::string ToText(const RunStatus& status, bool colour) {
  const auto [phase, ink] = PhaseText(status.phase);
  std::string text =
      fmt::format("run      {}\nstate    {}", WithoutControls(status.run.value),
                  Paint(phase, ink, colour));
  if (status.reason.starts_with(phase)) {
    text += WithoutControls(status.reason.substr(phase.size()));
  } else if (!status.reason.empty()) {
    text += ": " + WithoutControls(status.reason);
  }
  text += fmt::format("\nrounds   {} committed\n",
                      Bar(status.last_committed, status.rounds));
  if (status.cohort > 0 && status.phase != RunPhase::kFinished) {
    text += fmt::format("round {:<3}{} updates\n", status.round,
                        Bar(status.received, status.cohort));
  }
  text += fmt::format("clients  {} connected, {} needed\nmodel    {:.16}\n",
                      status.connected, status.min_clients,
                      ToHex(status.model.digest));
  return text;
}

std::string ToText(const std::vector<ClientStatus>& clients, bool colour) {
  TextTable table({{"client"},
                   {"connection"},
                   {"this round"},
                   {"samples", true},
                   {"accepted", true},
                   {"rejected", true}});
  for (const ClientStatus& client : clients) {
    table.Add({client.client.value,
               client.connected
                   ? TextTable::Cell("connected")
                   : TextTable::Cell(std::string("away"), Ink::kYellow),
               !client.in_cohort ? TextTable::Cell("-")
               : client.answered ? TextTable::Cell("answered")
                                 : TextTable::Cell("training"),
               fmt::format("{}", client.samples),
               fmt::format("{}", client.accepted_updates),
               {fmt::format("{}", client.rejected_updates),
                client.rejected_updates > 0 ? Ink::kRed : Ink::kPlain}});
  }
  return table.ToString(colour);
}

std::string ToText(const RunStatus& status,
                   const std::vector<ClientStatus>& clients) {
  const bool colour = ShowsColour(stdout);
  std::string text = ToText(status, colour);
  if (!clients.empty()) text += "\n" + ToText(clients, colour);
  return text;
}

// Of a status that is printed at each change.
std::string ToLine(const RunStatus& status) {
  std::string line = fmt::format("{}  {}  ", WithoutControls(status.run.value),
                                 PhaseText(status.phase).first);
  if (status.cohort > 0 && status.phase != RunPhase::kFinished) {
    line += fmt::format("round {}: {} of {} updates, ", status.round,
                        status.received, status.cohort);
  }
  return line + fmt::format("{} connected, {} of {} rounds committed\n",
                            status.connected, status.last_committed,
                            status.rounds);
}

Status PrintStatus(AdminClient& admin, const StatusFlags& flags) {
  FEDGAP_ASSIGN_OR_RETURN(const RunStatus status, admin.GetStatus());
  std::vector<ClientStatus> clients;
  if (flags.clients) {
    FEDGAP_ASSIGN_OR_RETURN(clients, admin.GetClients());
  }
  fmt::print("{}", ToText(status, clients));
  return absl::OkStatus();
}

// `text` in the place of what the terminal shows; nothing is blank in between.
void ShowOver(const std::string& text) {
  std::string out = "\x1b[H";
  for (const char c : text) {
    if (c == '\n') out += "\x1b[K";
    out += c;
  }
  fmt::print("{}\x1b[J", out);
}

// Where the server does not answer those that were known are left: it may be
// gone with its run, and else the watch says what is wrong.
void UpdateClients(AdminClient& admin, bool is_over,
                   std::vector<ClientStatus>& clients) {
  StatusOr<std::vector<ClientStatus>> now = admin.GetClients();
  if (now.ok()) clients = *std::move(now);
  if (!is_over) return;
  for (ClientStatus& client : clients) client.in_cohort = false;
}

// On a terminal the screen is drawn anew at each change; elsewhere each change
// is a line.
Status WatchStatus(AdminClient& admin, const StatusFlags& flags) {
  const bool is_terminal = CanBeWrittenOver(stdout);
  if (is_terminal) fmt::print("\x1b[2J");
  bool is_over = false;
  std::vector<ClientStatus> clients;
  const Status watched = admin.Watch([&](const RunStatus& status) {
    is_over = status.phase == RunPhase::kFinished;
    if (is_terminal) {
      if (flags.clients) UpdateClients(admin, is_over, clients);
      ShowOver(ToText(status, clients));
    } else {
      fmt::print("{}", ToLine(status));
    }
    std::fflush(stdout);
  });
  return is_over ? absl::OkStatus() : watched;
}

Status ShowStatus(const StatusFlags& flags) {
  FEDGAP_ASSIGN_OR_RETURN(auto admin, AdminClient::Create(flags.server));
  return flags.watch ? WatchStatus(*admin, flags) : PrintStatus(*admin, flags);
}

void AddServerFlags(CLI::App& command, AdminClient::Options& options) {
  command.add_option("--server", options.server, "The server's address")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command
      .add_option("--certs", options.certs,
                  "A bundle with a certificate of role admin")
      ->type_name("DIR");
  command.add_flag("--insecure", options.insecure,
                   "No TLS: for a server on this machine that runs without");
  command.add_flag("--insecure-anywhere", options.insecure_anywhere,
                   "No TLS, whatever the machine: the network is trusted");
}

enum class Order { kPause, kResume, kStop, kKick };

Status Give(Order order, const StatusFlags& flags) {
  FEDGAP_ASSIGN_OR_RETURN(auto admin, AdminClient::Create(flags.server));
  const auto give = [&]() -> StatusOr<RunStatus> {
    switch (order) {
      case Order::kPause:
        return admin->Pause();
      case Order::kResume:
        return admin->Resume();
      case Order::kKick:
        return admin->Kick(flags.client, flags.reason);
      case Order::kStop:
        break;
    }
    return admin->Stop(flags.reason);
  };
  const StatusOr<RunStatus> status = give();
  if (!status.ok()) return status.status();
  fmt::print("{}", ToText(*status, ShowsColour(stdout)));
  return absl::OkStatus();
}

void AddOrder(CLI::App& admin, const char* name, const char* help, Order order,
              Action& selected) {
  CLI::App* command = admin.add_subcommand(name, help);
  command->footer(fmt::format(
      "Examples:\n"
      "  fedgap admin {} --server fl.example.org:7443 --certs bundles/ops{}",
      name,
      order == Order::kStop ? " --reason \"the labels were wrong\"" : ""));
  auto flags = std::make_shared<StatusFlags>();
  AddServerFlags(*command, flags->server);
  if (order == Order::kKick) {
    command->add_option("CLIENT", flags->client, "Its name")->required();
  }
  if (order == Order::kStop || order == Order::kKick) {
    command->add_option("--reason", flags->reason,
                        "Why: it stands in the log, and at the clients");
  }
  command->callback([flags, order, &selected] {
    selected = [flags, order] { return Give(order, *flags); };
  });
}

constexpr char kExitCodes[] =
    "Exit codes: 0 done, 1 failed (no server, no permission), 2 wrong usage.\n"
    "A certificate of role admin, once, where the authority's key is:\n"
    "  fedgap certs issue ca --name ops --role admin --out bundles\n\n"
    "Examples:\n";

}  // namespace

void AddStatusCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "status", "How a running server stands: run, round, clients.");
  auto flags = std::make_shared<StatusFlags>();
  AddServerFlags(*command, flags->server);
  command->add_flag("--watch", flags->watch,
                    "Go on showing it as it changes, until the run is over");
  command->add_flag("!--no-clients", flags->clients,
                    "Leave the table of clients out");
  command->footer(std::string(kExitCodes) +
                  "  fedgap status --server fl.example.org:7443 --certs "
                  "bundles/ops --watch\n"
                  "  fedgap status --insecure --no-clients");
  command->callback([flags, &selected] {
    selected = [flags] { return ShowStatus(*flags); };
  });
}

void AddAdminCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "admin",
      "Pauses, resumes or stops the run of a server; sends a client away.");
  command->require_subcommand(1);
  AddOrder(*command, "pause", "No round begins after the one that is running",
           Order::kPause, selected);
  AddOrder(*command, "resume", "Goes on after a pause", Order::kResume,
           selected);
  AddOrder(*command, "stop",
           "Ends the run for good with what is committed: it cannot be gone on "
           "with. To stop a server for a while, pause and end its program "
           "(SIGTERM), then start it again",
           Order::kStop, selected);
  AddOrder(*command, "kick",
           "Ends a client's connection; its program ends, and the open round "
           "does not wait for it. It may be started again: to keep it out, "
           "revoke its certificate",
           Order::kKick, selected);
  command->footer(std::string(kExitCodes) +
                  "  fedgap admin pause --server fl.example.org:7443 --certs "
                  "bundles/ops\n"
                  "  fedgap admin stop --certs bundles/ops --reason \"the "
                  "labels were wrong\"\n"
                  "  fedgap admin kick site-7 --certs bundles/ops --reason "
                  "\"wrong labels\"");
}

}  // namespace fedgap
