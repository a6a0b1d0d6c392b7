// From a configuration to what a run needs.
#ifndef FEDGAP_SERVER_EVALUATION_DEFINE_RUN_H_
#define FEDGAP_SERVER_EVALUATION_DEFINE_RUN_H_

#include <memory>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/federation/run_config.h"
#include "common/nn/model.h"
#include "common/tensor/image_view.h"
#include "server/core/run_opening.h"
#include "server/evaluation/held_out_evaluator.h"

namespace fedgap {

struct DefineOptions {
  std::optional<ImageSize> resize = {};  // as HeldOutEvaluator::Options
  // Not for a process that only takes the class names from the held-out data.
  bool evaluates = true;
};

struct DefinedRun {
  std::unique_ptr<const Model> model;  // which the evaluator looks at
  // Null where the configuration names no held-out data, or !evaluates.
  std::unique_ptr<HeldOutEvaluator> evaluator;
  // Class names are those configured, else the held-out data's.
  RunDefinition definition;
};

// Reads the model's files and the test part of config.evaluation.data;
// `config_toml` is the configuration as it takes effect. The errors of
// ChooseModel, LoadData and HeldOutEvaluator::Create.
StatusOr<DefinedRun> DefineRun(const RunConfig& config, std::string config_toml,
                               const DefineOptions& options = {});

// What a new run starts from: model.init_from, where it is given. A run that
// goes on does not need that file any more. The errors of
// ReadInitialParameters.
Status ReadInitial(const Model& model, RunDefinition& definition);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_EVALUATION_DEFINE_RUN_H_
