#include "server/evaluation/define_run.h"

#include <utility>

#include "common/base/version.h"
#include "common/data/data_spec.h"
#include "common/federation/model_choice.h"

namespace fedgap {
namespace {

Status OpenEvaluation(const RunConfig& config, const DefineOptions& options,
                      DefinedRun& run) {
  FEDGAP_ASSIGN_OR_RETURN(const DataSpec spec,
                          ParseDataSpec(config.evaluation.data));
  LoadOptions loading;
  loading.split = DataSplit::kTest;
  loading.channels = run.model->spec().input_channels;
  loading.class_names = config.model.class_names;
  FEDGAP_ASSIGN_OR_RETURN(const LoadedData loaded, LoadData(spec, loading));
  run.definition.class_names = loaded.data->class_names();
  if (!options.evaluates) return absl::OkStatus();
  FEDGAP_ASSIGN_OR_RETURN(
      run.evaluator,
      HeldOutEvaluator::Create(*run.model, loaded.data,
                               {.sizes = config.evaluation.sizes,
                                .groups = config.groups,
                                .resize = options.resize,
                                .max_samples = config.evaluation.max_samples,
                                .seed = config.seed,
                                .threads = config.evaluation.threads}));
  return absl::OkStatus();
}

}  // namespace

StatusOr<DefinedRun> DefineRun(const RunConfig& config, std::string config_toml,
                               const DefineOptions& options) {
  DefinedRun run;
  RunDefinition& definition = run.definition;
  FEDGAP_ASSIGN_OR_RETURN(definition.model, ChooseModel(config.model));
  FEDGAP_ASSIGN_OR_RETURN(run.model, Model::Create(definition.model));
  definition.config = config;
  definition.config_toml = std::move(config_toml);
  definition.software = SoftwareVersion();
  if (!config.evaluation.data.empty()) {
    FEDGAP_RETURN_IF_ERROR(OpenEvaluation(config, options, run));
  }
  if (!config.model.class_names.empty()) {
    definition.class_names = config.model.class_names;
  }
  return run;
}

Status ReadInitial(const Model& model, RunDefinition& definition) {
  const std::string& file = definition.config.model.init_from;
  if (file.empty()) return absl::OkStatus();
  FEDGAP_ASSIGN_OR_RETURN(definition.initial,
                          ReadInitialParameters(file, model));
  return absl::OkStatus();
}

}  // namespace fedgap
