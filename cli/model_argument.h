// What `evaluate`, `predict` and `inspect` are given as MODEL.
#ifndef FEDGAP_CLI_MODEL_ARGUMENT_H_
#define FEDGAP_CLI_MODEL_ARGUMENT_H_

#include <filesystem>
#include <string>

#include "common/base/status.h"
#include "common/federation/model_file.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// The model file that `argument` means: the file itself, or in a run's
// directory its final model, else that of its last committed round. NOT_FOUND
// says what was looked for.
StatusOr<std::filesystem::path> FindModel(
    const std::filesystem::path& argument);

// The name of a class, or its number where the model has no names.
std::string ClassName(const ModelOrigin& origin, int label);

// Threads for a command that was given `wanted` of them; 0: one per core.
int ThreadsFor(int wanted);

}  // namespace fedgap

#endif  // FEDGAP_CLI_MODEL_ARGUMENT_H_
