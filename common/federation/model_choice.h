// The model that a configuration asks for.
#ifndef FEDGAP_COMMON_FEDERATION_MODEL_CHOICE_H_
#define FEDGAP_COMMON_FEDERATION_MODEL_CHOICE_H_

#include <filesystem>

#include "common/base/status.h"
#include "common/federation/run_config.h"
#include "common/nn/model.h"
#include "common/nn/model_spec.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// The built-in model of that name, or the one in the JSON file. NOT_FOUND for
// an unknown name (with the known ones) or a missing file, INVALID_ARGUMENT for
// a file that makes no sense; messages name the file.
StatusOr<ModelSpec> ChooseModel(const ModelConfig& config);

// The parameters of a model file (model.init_from) for a run of `model`.
// INVALID_ARGUMENT unless the layouts agree; errors of ReadModelFile.
StatusOr<Parameters> ReadInitialParameters(const std::filesystem::path& file,
                                           const Model& model);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_MODEL_CHOICE_H_
