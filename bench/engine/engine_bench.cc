// The CNN engine beside its opponents, and where its time goes.
//
//   engine_bench [--json FILE] [--cpu-time] [--models NAME...] [--sizes PX...]
//
// Without a mode: training with every engine, then evaluation of 10,000 images,
// then gradient shards; one JSON file for all. Modes: --compare, --inference,
// --sharding, --profile, --verify. Ends with 1 if something fails.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/engine/comparison.h"
#include "bench/engine/profile.h"
#include "bench/engine/sharding.h"
#include "common/nn/model_spec.h"

namespace fedgap::bench {
namespace {

// The size of a full test set, in batches that suit PyTorch.
constexpr int kEvaluationBatch = 250;
constexpr int kEvaluationBatches = 40;

struct Settings {
  ComparisonOptions comparison;
  std::string isa;
  bool mixed = false;
  std::string json;
  double profile_seconds = 1;
  bool compare = false;
  bool inference = false;
  bool sharding = false;
  bool profile = false;
  bool verify = false;

  bool all() const {
    return !(compare || inference || sharding || profile || verify);
  }
};

Settings DefaultSettings() {
  Settings settings;
  settings.comparison.models = {"gap-cnn-s", "gap-cnn-m", "gap-cnn-gn",
                                "gap-resnet8"};
  settings.comparison.sizes = {14, 28, 32, 96, 0};
  settings.isa = kernels::ToString(kernels::BestIsa());
  // <build>/bench/bin/engine_bench beside <build>/bench/engines.
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  settings.comparison.engine_folder =
      (self.parent_path().parent_path() / "engines").string();
  settings.comparison.sign_folder = "../shared/data/gtsrb_natural";
  return settings;
}

void AddOptions(CLI::App& app, Settings& settings) {
  ComparisonOptions& comparison = settings.comparison;
  app.add_option("--json", settings.json, "Write the results to this file");
  app.add_flag("--compare", settings.compare, "Training, all engines in turns");
  app.add_flag("--inference", settings.inference,
               "Evaluation of 10,000 images, in turns");
  app.add_flag("--sharding", settings.sharding, "Gradient shards and threads");
  app.add_flag("--profile", settings.profile, "The time of each layer");
  app.add_flag("--verify", settings.verify,
               "Check that all engines compute the same losses");
  app.add_option("--models", comparison.models,
                 "Built-in models, or .json files of model specs");
  app.add_option("--sizes", comparison.sizes,
                 "Image heights and widths, px; 0: sizes of traffic signs");
  app.add_option("--without", comparison.without, "Engines to leave out");
  app.add_option("--isa", settings.isa, "Instruction set of fedgap's engine");
  app.add_option("--batch", comparison.batch, "Examples a training step");
  app.add_option("--shards", comparison.shards, "Gradient shards");
  app.add_option("--turns", comparison.turns, "Turns of each engine");
  app.add_option("--seconds", comparison.seconds, "Time of a turn");
  app.add_flag("--bfloat16", settings.mixed,
               "Profile mixed precision (training is compared in both)");
  app.add_option("--profile-seconds", settings.profile_seconds,
                 "Time of a profiled model and size");
  app.add_option("--signs", comparison.sign_folder,
                 "Folder of PPM images whose sizes to use");
  app.add_flag("--cpu-time", comparison.cpu_time,
               "Measure CPU time, on a machine shared with other work");
}

Status RunInference(const Settings& settings, nlohmann::json& results) {
  ComparisonOptions options = settings.comparison;
  if (settings.all()) {
    options.models = {"gap-cnn-gn"};
    options.sizes = {28};
  }
  options.inference = true;
  options.batch = kEvaluationBatch;
  options.batches = kEvaluationBatches;
  FEDGAP_ASSIGN_OR_RETURN(results["inference"], RunComparison(options));
  return absl::OkStatus();
}

Status RunModes(const Settings& settings, nlohmann::json& results) {
  const ComparisonOptions& comparison = settings.comparison;
  if (settings.verify) return VerifyEngines(comparison);
  if (settings.profile) {
    FEDGAP_ASSIGN_OR_RETURN(
        results["profile"],
        RunProfile({comparison.models, comparison.sizes, comparison.isa,
                    comparison.batch,
                    settings.mixed ? Precision::kBfloat16 : Precision::kFloat32,
                    settings.profile_seconds}));
  }
  if (settings.all() || settings.compare) {
    FEDGAP_ASSIGN_OR_RETURN(results, RunComparison(comparison));
  }
  if (settings.all() || settings.inference) {
    FEDGAP_RETURN_IF_ERROR(RunInference(settings, results));
  }
  if (settings.all() || settings.sharding) {
    FEDGAP_ASSIGN_OR_RETURN(
        results["sharding"],
        RunSharding({comparison.models, 28, comparison.isa, comparison.batch,
                     comparison.turns, comparison.seconds,
                     comparison.cpu_time}));
  }
  return absl::OkStatus();
}

Status Run(Settings& settings) {
  FEDGAP_ASSIGN_OR_RETURN(settings.comparison.isa,
                          kernels::IsaFromString(settings.isa));
  nlohmann::json results = nlohmann::json::object();
  FEDGAP_RETURN_IF_ERROR(RunModes(settings, results));
  if (settings.json.empty()) return absl::OkStatus();
  std::ofstream file(settings.json);
  file << results.dump(2) << '\n';
  if (file.flush()) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("cannot write {}", settings.json));
}

int Main(int argc, char** argv) {
  Settings settings = DefaultSettings();
  CLI::App app("Speed of the CNN engine's training step beside others'");
  AddOptions(app, settings);
  CLI11_PARSE(app, argc, argv);
  const Status status = Run(settings);
  if (status.ok()) return 0;
  fmt::print(stderr, "engine_bench: {}\n", MessageOf(status));
  return 1;
}

}  // namespace
}  // namespace fedgap::bench

int main(int argc, char** argv) { return fedgap::bench::Main(argc, argv); }
