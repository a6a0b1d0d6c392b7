#include "common/federation/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/check.h"
#include "common/base/file_io.h"
#include "common/federation/model_id.h"
#include "common/nn/model_spec.h"
#include "common/tensor/safetensors.h"

namespace fedgap {
namespace {

using nlohmann::json;
constexpr char kFormat[] = "fedgap-model-1";

StatusOr<Parameters> ReadParameters(const SafetensorsFile& file,
                                    const Layout& layout) {
  Parameters parameters(static_cast<std::size_t>(layout.elements()));
  for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
    const TensorSpec& spec = layout.tensors()[i];
    FEDGAP_ASSIGN_OR_RETURN(const Parameters values, file.Float32(spec.name));
    if (file.Find(spec.name)->shape != spec.shape) {
      return absl::InvalidArgumentError(fmt::format(
          "tensor \"{}\" is {}, the model wants {}", spec.name,
          file.Find(spec.name)->shape.ToString(), spec.shape.ToString()));
    }
    std::ranges::copy(values, parameters.begin() + layout.range(i).begin);
  }
  for (const auto& tensor : file.tensors()) {
    if (layout.IndexOf(tensor.name) < 0) {
      return absl::InvalidArgumentError(
          fmt::format("tensor \"{}\" is not the model's", tensor.name));
    }
  }
  return parameters;
}

std::vector<std::string> ReadClassNames(const std::string& text) {
  std::vector<std::string> names;
  const json array = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!array.is_array()) return names;
  for (const json& name : array) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

StatusOr<ModelOrigin> ReadOrigin(const SafetensorsFile& file,
                                 const Layout& layout,
                                 std::span<const float> parameters) {
  ModelOrigin origin;
  FEDGAP_ASSIGN_OR_RETURN(origin.id, ParseModelId(file.metadata("model_id")));
  const auto federated =
      parameters.first(static_cast<std::size_t>(layout.federated_range().end));
  if (DigestModel(LayoutHash(layout), federated).id != origin.id) {
    return absl::DataLossError(
        "the parameters are not those that model_id names");
  }
  origin.run.value = file.metadata("run");
  const std::string round = file.metadata("round");
  std::from_chars(round.data(), round.data() + round.size(), origin.round);
  origin.class_names = ReadClassNames(file.metadata("class_names"));
  return origin;
}

}  // namespace

SafetensorsWriter ModelFileWriter(const Model& model,
                                  std::span<const float> parameters,
                                  const ModelOrigin& origin) {
  const Layout& layout = model.layout();
  FEDGAP_CHECK(std::ssize(parameters) == layout.elements());
  SafetensorsWriter writer(
      {{"format", kFormat},
       {"model_json", ToJson(model.spec())},
       {"class_names",
        json(origin.class_names)
            .dump(-1, ' ', false, json::error_handler_t::replace)},
       {"model_id", ToHex(origin.id)},
       {"layout_hash", ToHex(LayoutHash(layout))},
       {"run", origin.run.value},
       {"round", std::to_string(origin.round)}});
  for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
    const TensorSpec& spec = layout.tensors()[i];
    const ElementRange range = layout.range(i);
    writer.Add(spec.name, spec.shape,
               parameters.subspan(static_cast<std::size_t>(range.begin),
                                  static_cast<std::size_t>(range.size())));
  }
  return writer;
}

std::vector<std::uint8_t> EncodeModelFile(const Model& model,
                                          std::span<const float> parameters,
                                          const ModelOrigin& origin) {
  return ModelFileWriter(model, parameters, origin).Finish();
}

StatusOr<ModelFile> ParseModelFile(std::vector<std::uint8_t> bytes) {
  FEDGAP_ASSIGN_OR_RETURN(const auto file,
                          SafetensorsFile::Parse(std::move(bytes)));
  const std::string format = file.metadata("format");
  if (format != kFormat) {
    return absl::InvalidArgumentError(fmt::format(
        "no fedgap model: the metadata's format is \"{}\", not \"{}\"", format,
        kFormat));
  }
  FEDGAP_ASSIGN_OR_RETURN(ModelSpec spec,
                          ParseModelSpec(file.metadata("model_json")));
  ModelFile model_file;
  FEDGAP_ASSIGN_OR_RETURN(model_file.model, Model::Create(std::move(spec)));
  const Layout& layout = model_file.model->layout();
  FEDGAP_ASSIGN_OR_RETURN(model_file.parameters, ReadParameters(file, layout));
  FEDGAP_ASSIGN_OR_RETURN(model_file.origin,
                          ReadOrigin(file, layout, model_file.parameters));
  return model_file;
}

StatusOr<ModelFile> ReadModelFile(const std::filesystem::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(auto bytes, ReadFileBytes(path));
  auto file = ParseModelFile(std::move(bytes));
  if (!file.ok()) return Annotate(file.status(), path.string());
  return file;
}

}  // namespace fedgap
