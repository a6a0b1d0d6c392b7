#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "common/base/did_you_mean.h"
#include "common/nn/model_spec.h"

namespace fedgap {
namespace {

constexpr int kMaxWidth = 4096;

// Appends nodes, each reading the one before it unless told otherwise.
class SpecBuilder {
 public:
  explicit SpecBuilder(TensorRole norm_role) : norm_role_(norm_role) {}

  struct Convolution {
    std::string name;
    int channels;
    int kernel = 3;
    int stride = 1;
    bool bias = false;
    std::string input = {};  // empty: the node before
  };
  // Zero-padded so that stride 1 keeps the size.
  void Conv(const Convolution& conv) {
    NodeSpec& node = Append(conv.name, Op::kConv2d);
    node.out_channels = conv.channels;
    node.kernel = {conv.kernel, conv.kernel};
    node.stride = {conv.stride, conv.stride};
    node.padding = {conv.kernel / 2, conv.kernel / 2};
    node.bias = conv.bias;
    if (!conv.input.empty()) node.inputs = {conv.input};
  }
  // Eight channels a group; fewer where eight do not divide the channels.
  void GroupNorm(const std::string& name, int channels) {
    NodeSpec& node = Append(name, Op::kGroupNorm);
    node.groups = channels / std::gcd(channels, 8);
    node.role = norm_role_;
  }
  void Relu(const std::string& name) { Append(name, Op::kRelu); }
  void MaxPool2(const std::string& name) {
    NodeSpec& node = Append(name, Op::kMaxPool);
    node.kernel = node.stride = {2, 2};
  }
  void Add(const std::string& name, const std::string& a,
           const std::string& b) {
    Append(name, Op::kAdd).inputs = {a, b};
  }
  void Head(int classes) {
    Append("gap", Op::kGlobalAveragePool);
    Append("head", Op::kLinear).out_channels = classes;
  }

  std::vector<NodeSpec> Take() { return std::move(nodes_); }

 private:
  NodeSpec& Append(const std::string& name, Op op) {
    NodeSpec& node = nodes_.emplace_back();
    node.name = name;
    node.op = op;
    return node;
  }

  TensorRole norm_role_;
  std::vector<NodeSpec> nodes_;
};

// conv w, pool, conv 2w, pool, conv 4w, GAP, linear; a convolution that a
// GroupNorm follows has no bias.
std::vector<NodeSpec> GapCnn(const BuiltInModelOptions& options, bool norm) {
  SpecBuilder builder(options.norm_role);
  for (int stage = 1; stage <= 3; ++stage) {
    const int channels = options.width << (stage - 1);
    builder.Conv({.name = fmt::format("conv{}", stage),
                  .channels = channels,
                  .bias = !norm});
    if (norm) builder.GroupNorm(fmt::format("norm{}", stage), channels);
    builder.Relu(fmt::format("relu{}", stage));
    if (stage < 3) builder.MaxPool2(fmt::format("pool{}", stage));
  }
  builder.Head(options.classes);
  return builder.Take();
}

std::vector<NodeSpec> GapCnnS(const BuiltInModelOptions& options) {
  return GapCnn(options, /*norm=*/false);
}

std::vector<NodeSpec> GapCnnGn(const BuiltInModelOptions& options) {
  return GapCnn(options, /*norm=*/true);
}

// conv w, conv w, pool, conv 2w, conv 2w, pool, conv 4w, GAP, linear.
std::vector<NodeSpec> GapCnnM(const BuiltInModelOptions& options) {
  SpecBuilder builder(options.norm_role);
  for (int i = 1; i <= 5; ++i) {
    const int stage = (i - 1) / 2;
    builder.Conv({.name = fmt::format("conv{}", i),
                  .channels = options.width << stage,
                  .bias = true});
    builder.Relu(fmt::format("relu{}", i));
    if (i == 2 || i == 4) builder.MaxPool2(fmt::format("pool{}", i / 2));
  }
  builder.Head(options.classes);
  return builder.Take();
}

struct ResidualBlock {
  std::string name;
  std::string input;
  int channels;
  int stride;
};

// conv-norm-relu-conv-norm beside the identity, or beside a 1x1 convolution
// with norm where the shape changes (He et al., "Deep Residual Learning",
// 2015, option B).
void AddResidualBlock(const ResidualBlock& block, SpecBuilder& builder) {
  const auto name = [&](std::string_view part) {
    return fmt::format("{}.{}", block.name, part);
  };
  std::string shortcut = block.input;
  if (block.stride != 1) {
    shortcut = name("shortcut_norm");
    builder.Conv({.name = name("shortcut"),
                  .channels = block.channels,
                  .kernel = 1,
                  .stride = block.stride,
                  .input = block.input});
    builder.GroupNorm(shortcut, block.channels);
  }
  builder.Conv({.name = name("conv1"),
                .channels = block.channels,
                .stride = block.stride,
                .input = block.input});
  builder.GroupNorm(name("norm1"), block.channels);
  builder.Relu(name("relu1"));
  builder.Conv({.name = name("conv2"), .channels = block.channels});
  builder.GroupNorm(name("norm2"), block.channels);
  builder.Add(name("add"), name("norm2"), shortcut);
  builder.Relu(name("relu2"));
}

std::vector<NodeSpec> GapResnet8(const BuiltInModelOptions& options) {
  const int width = options.width;
  SpecBuilder builder(options.norm_role);
  builder.Conv({.name = "conv0", .channels = width});
  builder.GroupNorm("norm0", width);
  builder.Relu("relu0");
  AddResidualBlock({"block1", "relu0", width, 1}, builder);
  AddResidualBlock({"block2", "block1.relu2", 2 * width, 2}, builder);
  AddResidualBlock({"block3", "block2.relu2", 4 * width, 2}, builder);
  builder.Head(options.classes);
  return builder.Take();
}

struct BuiltIn {
  std::string_view name;
  int width;
  std::vector<NodeSpec> (*build)(const BuiltInModelOptions&);
};
constexpr std::array<BuiltIn, 4> kBuiltIns = {{
    {"gap-cnn-s", 16, GapCnnS},
    {"gap-cnn-gn", 16, GapCnnGn},
    {"gap-cnn-m", 32, GapCnnM},
    {"gap-resnet8", 16, GapResnet8},
}};

Status CheckOptions(const BuiltInModelOptions& options) {
  if (options.width < 0 || options.width > kMaxWidth) {
    return absl::InvalidArgumentError(fmt::format(
        "width is {}; it must be in [1, {}], or 0 for the model's own",
        options.width, kMaxWidth));
  }
  if (options.input_channels < 1 || options.classes < 2) {
    return absl::InvalidArgumentError(fmt::format(
        "{} input channels and {} classes; there must be at least 1 and 2",
        options.input_channels, options.classes));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<ModelSpec> BuiltInModel(std::string_view name,
                                 const BuiltInModelOptions& options) {
  const auto found = std::ranges::find(kBuiltIns, name, &BuiltIn::name);
  if (found == kBuiltIns.end()) {
    const std::vector<std::string> known = BuiltInModelNames();
    return absl::NotFoundError(
        fmt::format("no built-in model '{}' (known: {}){}", name,
                    fmt::join(known, ", "), DidYouMean(name, known)));
  }
  if (Status status = CheckOptions(options); !status.ok()) {
    return Annotate(status, name);
  }
  BuiltInModelOptions filled = options;
  if (filled.width == 0) filled.width = found->width;
  if (filled.normalization == Normalization{}) {
    filled.normalization = DefaultNormalization(options.input_channels);
  }
  ModelSpec spec;
  spec.name = name;
  spec.input_channels = options.input_channels;
  spec.classes = options.classes;
  spec.nodes = found->build(filled);
  spec.normalization = std::move(filled.normalization);
  return spec;
}

std::vector<std::string> BuiltInModelNames() {
  std::vector<std::string> names;
  for (const BuiltIn& model : kBuiltIns) names.emplace_back(model.name);
  return names;
}

}  // namespace fedgap
