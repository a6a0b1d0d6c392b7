// A model in one safetensors file that needs nothing else to be used: the
// tensors by name, and the ModelSpec, class names and origin as metadata.
#ifndef FEDGAP_COMMON_FEDERATION_MODEL_FILE_H_
#define FEDGAP_COMMON_FEDERATION_MODEL_FILE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/nn/model.h"
#include "common/tensor/parameters.h"
#include "common/tensor/safetensors.h"

namespace fedgap {

// Where a model comes from; empty or 0 where that is not known.
struct ModelOrigin {
  ModelId id;
  RunId run;
  Round round = 0;
  std::vector<std::string> class_names;
};

// Writes the file. Metadata: format "fedgap-model-1", model_json, class_names
// (a JSON array), model_id, layout_hash, run, round. `parameters` is the whole
// buffer in the model's layout order, and borrowed.
SafetensorsWriter ModelFileWriter(const Model& model,
                                  std::span<const float> parameters,
                                  const ModelOrigin& origin);
// The bytes of the file.
std::vector<std::uint8_t> EncodeModelFile(const Model& model,
                                          std::span<const float> parameters,
                                          const ModelOrigin& origin);

struct ModelFile {
  std::unique_ptr<const Model> model;
  Parameters parameters;  // in layout order
  ModelOrigin origin;
};

// INVALID_ARGUMENT if the bytes are a sound safetensors file but hold no
// fedgap model or other tensors than its layout (NOT_FOUND: one is missing; the
// tensor is named); DATA_LOSS if they are not sound, or the parameters are not
// those that model_id names.
StatusOr<ModelFile> ParseModelFile(std::vector<std::uint8_t> bytes);
// The same, of a file; messages name it.
StatusOr<ModelFile> ReadModelFile(const std::filesystem::path& path);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_MODEL_FILE_H_
