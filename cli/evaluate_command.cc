// `fedgap evaluate MODEL --data SPEC`: a stored model on labelled images, per
// resolution group.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/model_argument.h"
#include "common/config/run_config_toml.h"
#include "common/data/data_spec.h"
#include "common/telemetry/report.h"
#include "server/evaluation/held_out_evaluator.h"
#include "server/store/run_directory.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct EvaluateFlags {
  fs::path model;
  std::string data;
  std::string split = "test";
  std::vector<std::string> sizes;
  std::vector<int> edges;
  int max_samples = 0;
  int threads = 0;
};

StatusOr<DataSplit> SplitFromString(const std::string& text) {
  if (text == "train") return DataSplit::kTrain;
  if (text == "test") return DataSplit::kTest;
  if (text == "all") return DataSplit::kAll;
  return absl::InvalidArgumentError(
      fmt::format("no split \"{}\": use train, test or all", text));
}

// --edges; without them the run's own, where MODEL is a run's directory.
StatusOr<ResolutionGroups> GroupsFor(const EvaluateFlags& flags) {
  std::error_code error;
  const fs::path config_file = RunDirectory{flags.model}.config();
  if (!flags.edges.empty() || !fs::exists(config_file, error)) {
    return ResolutionGroups::Create(flags.edges);
  }
  FEDGAP_ASSIGN_OR_RETURN(ConfigSources sources,
                          ReadConfigSources(config_file, {}));
  sources.environment.clear();
  FEDGAP_ASSIGN_OR_RETURN(const RunConfig config, ParseRunConfig(sources));
  return config.groups;
}

StatusOr<LoadedData> LoadFor(const EvaluateFlags& flags,
                             const ModelFile& model) {
  FEDGAP_ASSIGN_OR_RETURN(const DataSpec spec, ParseDataSpec(flags.data));
  LoadOptions options;
  options.channels = model.model->spec().input_channels;
  options.class_names = model.origin.class_names;
  FEDGAP_ASSIGN_OR_RETURN(options.split, SplitFromString(flags.split));
  return LoadData(spec, options);
}

std::vector<GroupReport> ToReports(const ServerEvaluation& evaluation,
                                   const ResolutionGroups& groups) {
  std::vector<GroupReport> reports;
  for (const GroupMetrics& metrics : evaluation.groups) {
    GroupReport report;
    report.group = metrics.group;
    report.label = groups.Label(metrics.group);
    report.sums = metrics.sums;
    reports.push_back(std::move(report));
  }
  return reports;
}

void PrintSizes(const ServerEvaluation& evaluation,
                const ResolutionGroups& groups) {
  for (const ServerEvaluation::Size& size : evaluation.sizes) {
    if (size.size.empty()) continue;
    fmt::print("at {:<8} accuracy {:5.1f} %   loss {:.3f}   group {}\n",
               size.size, size.sums.accuracy() * 100, size.sums.loss(),
               groups.Label(size.group));
  }
}

Status RunEvaluate(const EvaluateFlags& flags) {
  FEDGAP_ASSIGN_OR_RETURN(const fs::path path, FindModel(flags.model));
  FEDGAP_ASSIGN_OR_RETURN(const ModelFile model, ReadModelFile(path));
  FEDGAP_ASSIGN_OR_RETURN(const ResolutionGroups groups, GroupsFor(flags));
  HeldOutEvaluator::Options options{.sizes = {},
                                    .groups = groups,
                                    .max_samples = flags.max_samples,
                                    .threads = ThreadsFor(flags.threads)};
  for (const std::string& size : flags.sizes) {
    FEDGAP_ASSIGN_OR_RETURN(options.sizes.emplace_back(), ParseImageSize(size));
  }
  FEDGAP_ASSIGN_OR_RETURN(const LoadedData data, LoadFor(flags, model));
  FEDGAP_ASSIGN_OR_RETURN(
      const auto evaluator,
      HeldOutEvaluator::Create(*model.model, data.data, options));
  FEDGAP_ASSIGN_OR_RETURN(const ServerEvaluation evaluation,
                          evaluator->Evaluate(model.parameters, {}));
  fmt::print("{}  round {}  {}\n", path.string(), model.origin.round,
             ToHex(model.origin.id.digest));
  fmt::print("{}", ToTable(ToReports(evaluation, groups), evaluation.fairness));
  PrintSizes(evaluation, groups);
  return absl::OkStatus();
}

}  // namespace

void AddEvaluateCommand(CLI::App& app, Action& selected) {
  CLI::App* command =
      app.add_subcommand("evaluate", "A stored model on labelled images.");
  auto flags = std::make_shared<EvaluateFlags>();
  command
      ->add_option("model", flags->model,
                   "A model.safetensors, or the directory of a run")
      ->type_name("MODEL")
      ->required();
  command
      ->add_option("--data", flags->data,
                   "fashion-mnist, idx:DIR, folder:DIR or synthetic:SEED,N")
      ->type_name("DATA")
      ->required();
  command->add_option("--split", flags->split, "Which part of it")
      ->type_name("train|test|all")
      ->capture_default_str();
  command
      ->add_option("--sizes", flags->sizes,
                   "Evaluate at these, 28 or 24x36; else at each image's own")
      ->delimiter(',');
  command
      ->add_option("--edges", flags->edges,
                   "Edges of the resolution groups in px; else the run's")
      ->delimiter(',');
  command->add_option("--max-samples", flags->max_samples,
                      "At most so many images, drawn at random; 0: all");
  command->add_option("--threads", flags->threads, "0: one per core");
  command->footer(
      "Examples:\n"
      "  fedgap evaluate runs/first --data folder:/data/test\n"
      "  fedgap evaluate runs/first/model.safetensors --data fashion-mnist "
      "--sizes 14,28,40");
  command->callback([flags, &selected] {
    selected = [flags] { return RunEvaluate(*flags); };
  });
}

}  // namespace fedgap
