#include "common/federation/model_choice.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/file_io.h"
#include "common/federation/model_file.h"

namespace fedgap {

StatusOr<ModelSpec> ChooseModel(const ModelConfig& config) {
  if (!config.file.empty()) {
    const StatusOr<std::string> json = ReadFileText(config.file);
    if (!json.ok()) return Annotate(json.status(), "model.file");
    StatusOr<ModelSpec> spec = ParseModelSpec(*json);
    if (!spec.ok()) return Annotate(spec.status(), config.file);
    return spec;
  }
  BuiltInModelOptions options;
  options.input_channels = config.input_channels;
  options.classes = config.classes;
  options.width = config.width;
  FEDGAP_ASSIGN_OR_RETURN(options.norm_role,
                          TensorRoleFromString(config.norm_role));
  options.normalization = {config.mean, config.stddev};
  return BuiltInModel(config.name, options);
}

StatusOr<Parameters> ReadInitialParameters(const std::filesystem::path& file,
                                           const Model& model) {
  StatusOr<ModelFile> read = ReadModelFile(file);
  if (!read.ok()) return Annotate(read.status(), "model.init_from");
  ModelFile& stored = *read;
  if (stored.model->layout() != model.layout()) {
    return absl::InvalidArgumentError(fmt::format(
        "{} holds model {} with {} parameters; its tensors are not those of {} "
        "({} parameters), so the run cannot start from it",
        file.string(), stored.model->spec().name,
        stored.model->layout().elements(), model.spec().name,
        model.layout().elements()));
  }
  return std::move(stored.parameters);
}

}  // namespace fedgap
