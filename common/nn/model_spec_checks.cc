#include "common/nn/model_spec_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fedgap {
namespace {

constexpr int kMaxChannels = 65536;
constexpr int kMaxWindow = 1024;  // kernel, stride, padding, dilation
constexpr std::size_t kMaxNodes = 4096;
constexpr std::size_t kMaxNameLength = 128;

template <typename... Args>
Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format(format, std::forward<Args>(args)...));
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

Status CheckRange(std::string_view field, int value, int low, int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return Invalid("{} is {}; it must be in [{}, {}]", field, value, low, high);
}

Status CheckRange(std::string_view field, const std::array<int, 2>& values,
                  int low, int high) {
  FEDGAP_RETURN_IF_ERROR(CheckRange(field, values[0], low, high));
  return CheckRange(field, values[1], low, high);
}

bool IsPool(Op op) { return op == Op::kMaxPool || op == Op::kAvgPool; }
bool HasTensors(Op op) {
  return op == Op::kConv2d || op == Op::kGroupNorm || op == Op::kLinear;
}

Status CheckWindow(const NodeSpec& spec) {
  FEDGAP_RETURN_IF_ERROR(CheckRange("kernel", spec.kernel, 1, kMaxWindow));
  FEDGAP_RETURN_IF_ERROR(CheckRange("stride", spec.stride, 1, kMaxWindow));
  FEDGAP_RETURN_IF_ERROR(CheckRange("padding", spec.padding, 0, kMaxWindow));
  FEDGAP_RETURN_IF_ERROR(CheckRange("dilation", spec.dilation, 1, kMaxWindow));
  if (!IsPool(spec.op)) return absl::OkStatus();
  // A window that lies in the padding alone would have nothing to pool.
  if (spec.padding[0] >= spec.kernel[0] || spec.padding[1] >= spec.kernel[1]) {
    return Invalid("the padding of a pool must be smaller than its kernel");
  }
  if (spec.dilation != std::array{1, 1}) {
    return Invalid("a pool has no dilation");
  }
  return absl::OkStatus();
}

Status CheckNormalization(const ModelSpec& spec) {
  const Normalization& normalization = spec.normalization;
  const auto channels = static_cast<std::size_t>(spec.input_channels);
  if (normalization.mean.size() != channels ||
      normalization.stddev.size() != channels) {
    return Invalid(
        "the normalization has {} means and {} stddevs; with {} input channels "
        "there must be {} of each",
        normalization.mean.size(), normalization.stddev.size(), channels,
        channels);
  }
  for (std::size_t i = 0; i < channels; ++i) {
    const double mean = normalization.mean[i];
    const double stddev = normalization.stddev[i];
    if (!std::isfinite(mean) || !std::isfinite(stddev) || stddev <= 0.0) {
      return Invalid(
          "the normalization of channel {} is mean {}, stddev {}; they must be "
          "finite and the stddev positive",
          i, mean, stddev);
    }
  }
  return absl::OkStatus();
}

}  // namespace

Status CheckModelHeader(const ModelSpec& spec) {
  if (spec.version != ModelSpec::kVersion) {
    return Invalid("version {} is not supported; this program reads version {}",
                   spec.version, ModelSpec::kVersion);
  }
  if (!IsName(spec.name)) {
    return Invalid(
        "the model's name must be 1 to {} printable ASCII characters without "
        "spaces",
        kMaxNameLength);
  }
  FEDGAP_RETURN_IF_ERROR(
      CheckRange("input_channels", spec.input_channels, 1, kMaxChannels));
  FEDGAP_RETURN_IF_ERROR(CheckRange("classes", spec.classes, 2, kMaxChannels));
  FEDGAP_RETURN_IF_ERROR(CheckNormalization(spec));
  if (spec.nodes.empty() || spec.nodes.size() > kMaxNodes) {
    return Invalid("there are {} nodes; there must be 1 to {}",
                   spec.nodes.size(), kMaxNodes);
  }
  return absl::OkStatus();
}

Status CheckNodeName(const NodeSpec& spec, std::size_t index) {
  if (IsName(spec.name) && spec.name != ModelSpec::kImageName)
    return absl::OkStatus();
  return Invalid(
      "node {} cannot be named '{}': a name is 1 to {} printable ASCII "
      "characters without spaces, and '{}' is the image",
      index, spec.name, kMaxNameLength, ModelSpec::kImageName);
}

Status CheckNodeFields(const NodeSpec& spec) {
  if (spec.op == Op::kConv2d || IsPool(spec.op))
    FEDGAP_RETURN_IF_ERROR(CheckWindow(spec));
  if (spec.op == Op::kConv2d || spec.op == Op::kLinear) {
    FEDGAP_RETURN_IF_ERROR(
        CheckRange("out_channels", spec.out_channels, 1, kMaxChannels));
  }
  if (spec.op == Op::kConv2d || spec.op == Op::kGroupNorm) {
    FEDGAP_RETURN_IF_ERROR(CheckRange("groups", spec.groups, 1, kMaxChannels));
  }
  if (spec.op == Op::kGroupNorm &&
      !(spec.epsilon > 0.0 && spec.epsilon <= 1.0)) {
    return Invalid("epsilon is {}; it must be in (0, 1]", spec.epsilon);
  }
  if (HasTensors(spec.op) && spec.role == TensorRole::kStatistic) {
    return Invalid("{} has no statistics: its role must be another",
                   ToString(spec.op));
  }
  return absl::OkStatus();
}

}  // namespace fedgap
