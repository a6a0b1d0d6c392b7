// ParseModelSpec: the JSON form of docs/MODELS.md.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/base/did_you_mean.h"
#include "common/nn/json_syntax.h"
#include "common/nn/model_spec.h"

namespace fedgap {
namespace {

using Json = nlohmann::json;

// A claim of more input channels gets no default normalization made for it.
constexpr int kMaxDefaultChannels = 65536;

// Reads the keys of one JSON object; the first error stays, and later reads
// leave their targets alone.
class ObjectReader {
 public:
  // `where` begins every message.
  ObjectReader(const Json& object, std::string where)
      : object_(object), where_(std::move(where)) {
    if (!object.is_object()) Fail("must be an object");
  }

  bool has(const std::string& key) const { return object_.contains(key); }

  // Finish fails if the key is not there.
  void Require(const std::string& key) {
    if (missing_.empty() && !has(key)) missing_ = key;
  }

  // The key may be there; its value is read elsewhere.
  void Accept(const std::string& key) { known_.push_back(key); }

  void Read(const std::string& key, int& target) {
    if (const Json* value = Find(key)) ToInt(key, *value, target);
  }
  void Read(const std::string& key, bool& target) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return FailType(key, "true or false");
    target = value->get<bool>();
  }
  void Read(const std::string& key, double& target) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_number()) return FailType(key, "a number");
    target = value->get<double>();
  }
  void Read(const std::string& key, std::string& target) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_string()) return FailType(key, "a string");
    target = value->get<std::string>();
  }
  // One integer for both axes, or [height, width].
  void Read(const std::string& key, std::array<int, 2>& target) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (value->is_number()) {
      ToInt(key, *value, target[0]);
      target[1] = target[0];
      return;
    }
    if (!value->is_array() || value->size() != 2) {
      return FailType(key, "an integer or [height, width]");
    }
    ToInt(key, (*value)[0], target[0]);
    ToInt(key, (*value)[1], target[1]);
  }
  void Read(const std::string& key, std::vector<std::string>& target) {
    ReadArray(key, "an array of strings", &Json::is_string, target);
  }
  void Read(const std::string& key, std::vector<double>& target) {
    ReadArray(key, "an array of numbers", &Json::is_number, target);
  }
  template <typename T>
  void Read(const std::string& key, StatusOr<T> (*parse)(std::string_view),
            T& target) {
    std::string text;
    Read(key, text);
    if (!status_.ok() || !has(key)) return;
    const StatusOr<T> parsed = parse(text);
    if (!parsed.ok()) return Fail(MessageOf(parsed.status()));
    target = *parsed;
  }

  // The error so far, a key that nobody asked for (first, because it may be a
  // missing one misspelt), a missing key.
  Status Finish() {
    if (!status_.ok()) return status_;
    for (const auto& item : object_.items()) {
      if (std::ranges::find(known_, item.key()) == known_.end()) {
        Fail(fmt::format("unknown key '{}' (known here: {}){}", item.key(),
                         fmt::join(known_, ", "),
                         DidYouMean(item.key(), known_)));
        return status_;
      }
    }
    if (!missing_.empty()) {
      Fail(fmt::format("the key '{}' is missing", missing_));
    }
    return status_;
  }

 private:
  const Json* Find(const std::string& key) {
    known_.push_back(key);
    if (!status_.ok()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  void ToInt(const std::string& key, const Json& value, int& target) {
    constexpr int kMax = std::numeric_limits<int>::max();
    if (!value.is_number_integer()) return FailType(key, "an integer");
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= kMax
                          : value.get<std::int64_t>() >= -kMax;
    if (!fits) return FailType(key, "an integer of 32 bits");
    target = value.get<int>();
  }
  template <typename T>
  void ReadArray(const std::string& key, std::string_view what,
                 bool (Json::*is_element)() const noexcept,
                 std::vector<T>& target) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    const bool fits =
        value->is_array() && std::ranges::all_of(*value, [&](const Json& e) {
          return (e.*is_element)();
        });
    if (!fits) return FailType(key, what);
    target = value->get<std::vector<T>>();
  }
  void FailType(const std::string& key, std::string_view wanted) {
    constexpr std::size_t kMaxShown = 60;
    const std::string value = object_.at(key).dump(-1, ' ', true);
    Fail(fmt::format("'{}' must be {}, not {}", key, wanted,
                     value.substr(0, kMaxShown)));
  }
  void Fail(const std::string& message) {
    if (status_.ok()) {
      status_ =
          absl::InvalidArgumentError(fmt::format("{}: {}", where_, message));
    }
  }

  const Json& object_;
  std::string where_;
  std::vector<std::string> known_;
  std::string missing_;
  Status status_;
};

void ReadWindow(bool is_conv, ObjectReader& reader, NodeSpec& node) {
  reader.Require("kernel");
  reader.Read("kernel", node.kernel);
  if (!is_conv) node.stride = node.kernel;
  reader.Read("stride", node.stride);
  reader.Read("padding", node.padding);
  if (is_conv) reader.Read("dilation", node.dilation);
}

void ReadOutChannels(ObjectReader& reader, NodeSpec& node) {
  reader.Require("out_channels");
  reader.Read("out_channels", node.out_channels);
}

// The keys that the node's op has.
void ReadOpFields(ObjectReader& reader, NodeSpec& node) {
  switch (node.op) {
    case Op::kConv2d:
      ReadOutChannels(reader, node);
      ReadWindow(/*is_conv=*/true, reader, node);
      reader.Read("groups", node.groups);
      reader.Read("bias", node.bias);
      break;
    case Op::kLinear:
      ReadOutChannels(reader, node);
      reader.Read("bias", node.bias);
      break;
    case Op::kMaxPool:
    case Op::kAvgPool:
      ReadWindow(/*is_conv=*/false, reader, node);
      return;
    case Op::kGroupNorm:
      reader.Require("groups");
      reader.Read("groups", node.groups);
      reader.Read("epsilon", node.epsilon);
      break;
    case Op::kRelu:
    case Op::kAdd:
    case Op::kGlobalAveragePool:
      return;
  }
  reader.Read("role", TensorRoleFromString, node.role);
}

StatusOr<NodeSpec> ParseNode(const Json& json, std::size_t index) {
  std::string where = fmt::format("nodes[{}]", index);
  if (json.is_object() && json.contains("name") && json["name"].is_string()) {
    where = fmt::format("node '{}'", json["name"].get<std::string>());
  }
  ObjectReader reader(json, where);
  NodeSpec node;
  reader.Require("name");
  reader.Read("name", node.name);
  reader.Read("op", OpFromString, node.op);
  reader.Read("inputs", node.inputs);
  if (json.is_object() && !reader.has("op")) {
    return absl::InvalidArgumentError(where + ": the key 'op' is missing");
  }
  ReadOpFields(reader, node);
  FEDGAP_RETURN_IF_ERROR(reader.Finish());
  return node;
}

StatusOr<Normalization> ParseNormalization(const Json& json) {
  ObjectReader reader(json, "normalization");
  Normalization normalization;
  reader.Require("mean");
  reader.Require("stddev");
  reader.Read("mean", normalization.mean);
  reader.Read("stddev", normalization.stddev);
  FEDGAP_RETURN_IF_ERROR(reader.Finish());
  return normalization;
}

// Keys may differ between versions, so this comes before them.
Status CheckVersion(const Json& json) {
  if (!json.is_object()) {
    return absl::InvalidArgumentError("model: must be an object");
  }
  if (!json.contains("version")) {
    return absl::InvalidArgumentError(
        fmt::format("model: the key 'version' is missing; this program reads "
                    "version {}",
                    ModelSpec::kVersion));
  }
  if (json["version"] != ModelSpec::kVersion) {
    return absl::InvalidArgumentError(fmt::format(
        "model: version {} is not supported; this program reads version {}",
        json["version"].dump(-1, ' ', true), ModelSpec::kVersion));
  }
  return absl::OkStatus();
}

StatusOr<ModelSpec> ParseModel(const Json& json) {
  FEDGAP_RETURN_IF_ERROR(CheckVersion(json));
  ObjectReader reader(json, "model");
  ModelSpec spec;
  for (const char* key : {"name", "input_channels", "classes", "nodes"}) {
    reader.Require(key);
  }
  reader.Read("version", spec.version);
  reader.Read("name", spec.name);
  reader.Read("input_channels", spec.input_channels);
  reader.Read("classes", spec.classes);
  reader.Accept("normalization");
  reader.Accept("nodes");
  FEDGAP_RETURN_IF_ERROR(reader.Finish());
  if (json.contains("normalization")) {
    FEDGAP_ASSIGN_OR_RETURN(spec.normalization,
                            ParseNormalization(json["normalization"]));
  } else if (spec.input_channels <= kMaxDefaultChannels) {
    spec.normalization = DefaultNormalization(spec.input_channels);
  }
  const Json& nodes = json["nodes"];
  if (!nodes.is_array()) {
    return absl::InvalidArgumentError("model: 'nodes' must be an array");
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    FEDGAP_ASSIGN_OR_RETURN(NodeSpec node, ParseNode(nodes[i], i));
    spec.nodes.push_back(std::move(node));
  }
  return spec;
}

}  // namespace

StatusOr<ModelSpec> ParseModelSpec(std::string_view json) {
  if (const Status status = CheckJsonSyntax(json); !status.ok()) {
    return Annotate(status, "model");
  }
  return ParseModel(Json::parse(json.begin(), json.end(), nullptr,
                                /*allow_exceptions=*/false));
}

}  // namespace fedgap
