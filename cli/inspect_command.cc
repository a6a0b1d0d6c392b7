// `fedgap inspect RUN|MODEL`: what is in a run's directory or a model file.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/model_argument.h"
#include "common/federation/model_id.h"
#include "server/store/run_inspection.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct InspectFlags {
  fs::path path;
  bool config = false;
};

void PrintLayout(const Model& model) {
  const Layout& layout = model.layout();
  fmt::print("{:<24} {:<14} {:<10} {:>10}\n", "tensor", "shape", "role",
             "elements");
  for (const TensorSpec& tensor : layout.tensors()) {
    fmt::print("{:<24} {:<14} {:<10} {:>10}\n", tensor.name,
               tensor.shape.ToString(), ToString(tensor.role),
               tensor.shape.elements());
  }
  fmt::print("{} elements, {} of them federated\n", layout.elements(),
             layout.federated_range().size());
}

Status InspectModel(const fs::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(path));
  const ModelSpec& spec = file.model->spec();
  fmt::print("model        {} ({} channels in, {} classes)\n", spec.name,
             spec.input_channels, spec.classes);
  fmt::print("model_sha256 {}\n", ToHex(file.origin.id));
  fmt::print("layout_hash  {}\n", ToHex(LayoutHash(file.model->layout())));
  fmt::print("run          {}  round {}\n",
             file.origin.run.value.empty() ? "-" : file.origin.run.value,
             file.origin.round);
  std::string names;
  for (const std::string& name : file.origin.class_names) names += " " + name;
  fmt::print("classes     {}\n", names.empty() ? " -" : names);
  PrintLayout(*file.model);
  return absl::OkStatus();
}

// Accuracy on the server's images after each round; where it has none, on the
// clients' held-out parts before it.
void PrintRounds(const RunInspection& run) {
  const bool server_evaluates =
      std::ranges::any_of(run.rounds, [](const InspectedRound& round) {
        return round.event.has_value() && round.event->evaluated;
      });
  fmt::print("{:>6} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}  {}\n", "round",
             "clients", "seconds", "loss", "mean", "worst", "gap", "model");
  for (const InspectedRound& round : run.rounds) {
    if (!round.event.has_value()) {
      fmt::print("{:>6} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}  {:.16}\n",
                 round.round, "-", "-", "-", "-", "-", "-", round.model);
      continue;
    }
    const RoundCommittedEvent& event = *round.event;
    const bool by_clients =
        !event.evaluated && !server_evaluates && !event.client_held_out.empty();
    const FairnessSummary fairness = by_clients
                                         ? Summarize(event.client_held_out)
                                         : event.evaluation.fairness;
    const auto percent = [&](double share) {
      return event.evaluated || by_clients
                 ? fmt::format("{:.1f} %", share * 100)
                 : "-";
    };
    fmt::print("{:>6} {:>8} {:>8.1f} {:>8.3f} {:>7} {:>7} {:>7}  {:.16}\n",
               round.round, event.contributors.size(), event.seconds.total,
               event.training.loss(), percent(fairness.mean),
               percent(fairness.worst), percent(fairness.gap), round.model);
  }
  if (!server_evaluates && !run.rounds.empty()) {
    fmt::print("accuracy: on the clients' held-out parts, before the round\n");
  }
}

Status InspectDirectory(const InspectFlags& flags) {
  FEDGAP_ASSIGN_OR_RETURN(const RunInspection run, InspectRun(flags.path));
  fmt::print("run          {}\n", run.record.run.value);
  fmt::print("state        {}\n",
             run.finished.empty() ? "not finished" : run.finished);
  if (!run.rounds.empty()) {
    fmt::print("model_sha256 {}\n", run.rounds.back().model);
  }
  fmt::print("layout_hash  {}\n", run.record.layout_hash);
  PrintRounds(run);
  int damaged = 0;
  for (const InspectedFile& file : run.files) {
    if (file.problem.empty()) continue;
    ++damaged;
    fmt::print("damaged: {}: {}\n", file.path.string(), file.problem);
  }
  fmt::print("{} files, {}\n", run.files.size(),
             damaged == 0 ? "all whole" : fmt::format("{} damaged", damaged));
  if (flags.config) fmt::print("\n{}", run.record.config_toml);
  if (damaged == 0) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{} holds damaged files", flags.path.string()));
}

}  // namespace

void AddInspectCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "inspect", "What is in the directory of a run, or in a model file.");
  auto flags = std::make_shared<InspectFlags>();
  command->add_option("path", flags->path, "A run's directory or a model file")
      ->type_name("MODEL")
      ->required();
  command->add_flag("--config", flags->config,
                    "Also print the run's configuration");
  command->footer(
      "Examples:\n"
      "  fedgap inspect runs/first\n"
      "  fedgap inspect runs/first/model.safetensors");
  command->callback([flags, &selected] {
    selected = [flags] {
      std::error_code error;
      return fs::is_directory(flags->path, error) ? InspectDirectory(*flags)
                                                  : InspectModel(flags->path);
    };
  });
}

}  // namespace fedgap
