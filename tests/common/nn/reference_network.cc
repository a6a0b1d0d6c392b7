#include "tests/common/nn/reference_network.h"

#include <algorithm>
#include <cmath>

namespace fedgap {
namespace {

struct Tensor {
  int height = 1;
  int width = 1;
  int channels = 0;
  std::vector<double> values;

  Tensor(int h, int w, int c)
      : height(h),
        width(w),
        channels(c),
        values(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) *
               static_cast<std::size_t>(c)) {}
  double& at(int y, int x, int c) {
    return values[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
  double at(int y, int x, int c) const {
    return values[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
  bool Holds(int y, int x) const {
    return y >= 0 && y < height && x >= 0 && x < width;
  }
};

using Slice = std::span<const double>;

Slice SliceOf(Slice parameters, const ElementRange& range) {
  return parameters.subspan(static_cast<std::size_t>(range.begin),
                            static_cast<std::size_t>(range.size()));
}

// Calls visit(ky, kx, y, x) for a window's taps that lie inside `in`.
template <typename Visitor>
void ForEachTap(const NodeSpec& spec, const Tensor& in, int oy, int ox,
                const Visitor& visit) {
  for (int ky = 0; ky < spec.kernel[0]; ++ky) {
    for (int kx = 0; kx < spec.kernel[1]; ++kx) {
      const int y =
          oy * spec.stride[0] + ky * spec.dilation[0] - spec.padding[0];
      const int x =
          ox * spec.stride[1] + kx * spec.dilation[1] - spec.padding[1];
      if (in.Holds(y, x)) visit(ky, kx, y, x);
    }
  }
}

void Convolve(const Node& node, Slice weight, Slice bias, const Tensor& in,
              Tensor* out) {
  const NodeSpec& spec = node.spec;
  const int in_per_group = node.in_channels / spec.groups;
  const int out_per_group = node.out_channels / spec.groups;
  for (int y = 0; y < out->height; ++y) {
    for (int x = 0; x < out->width; ++x) {
      for (int o = 0; o < out->channels; ++o) {
        double sum = bias.empty() ? 0 : bias[static_cast<std::size_t>(o)];
        ForEachTap(spec, in, y, x, [&](int ky, int kx, int iy, int ix) {
          for (int i = 0; i < in_per_group; ++i) {
            const int row = (ky * spec.kernel[1] + kx) * in_per_group + i;
            sum += weight[static_cast<std::size_t>(row * out->channels + o)] *
                   in.at(iy, ix, o / out_per_group * in_per_group + i);
          }
        });
        out->at(y, x, o) = sum;
      }
    }
  }
}

void Pool(const Node& node, const Tensor& in, Tensor* out) {
  for (int y = 0; y < out->height; ++y) {
    for (int x = 0; x < out->width; ++x) {
      for (int c = 0; c < out->channels; ++c) {
        double sum = 0;
        double largest = -1e300;
        int count = 0;
        ForEachTap(node.spec, in, y, x, [&](int, int, int iy, int ix) {
          sum += in.at(iy, ix, c);
          largest = std::max(largest, in.at(iy, ix, c));
          ++count;
        });
        out->at(y, x, c) = node.spec.op == Op::kMaxPool ? largest : sum / count;
      }
    }
  }
}

void Normalize(const Node& node, Slice scale, Slice shift, const Tensor& in,
               Tensor* out) {
  const int per_group = node.out_channels / node.spec.groups;
  const auto visit = [&](int group, const auto& each) {
    for (int y = 0; y < in.height; ++y) {
      for (int x = 0; x < in.width; ++x) {
        for (int c = 0; c < per_group; ++c) each(y, x, group * per_group + c);
      }
    }
  };
  const double count = double(in.height) * in.width * per_group;
  for (int group = 0; group < node.spec.groups; ++group) {
    double sum = 0;
    visit(group, [&](int y, int x, int c) { sum += in.at(y, x, c); });
    const double mean = sum / count;
    double squares = 0;
    visit(group, [&](int y, int x, int c) {
      squares += (in.at(y, x, c) - mean) * (in.at(y, x, c) - mean);
    });
    const double inverse = 1 / std::sqrt(squares / count + node.spec.epsilon);
    visit(group, [&](int y, int x, int c) {
      const auto channel = static_cast<std::size_t>(c);
      out->at(y, x, c) =
          (in.at(y, x, c) - mean) * inverse * scale[channel] + shift[channel];
    });
  }
}

Tensor Apply(const Node& node, Slice parameters,
             const std::vector<const Tensor*>& inputs, ImageSize size) {
  const Tensor& in = *inputs[0];
  const Slice weight = SliceOf(parameters, node.weight);
  const Slice bias = SliceOf(parameters, node.bias);
  Tensor out(size.height, size.width, node.out_channels);
  switch (node.spec.op) {
    case Op::kConv2d:
    case Op::kLinear:
      Convolve(node, weight, bias, in, &out);
      break;
    case Op::kRelu:
      out.values = in.values;
      for (double& value : out.values) value = std::max(value, 0.0);
      break;
    case Op::kMaxPool:
    case Op::kAvgPool:
      Pool(node, in, &out);
      break;
    case Op::kGroupNorm:
      Normalize(node, weight, bias, in, &out);
      break;
    case Op::kAdd:
      out.values = in.values;
      for (std::size_t i = 0; i < out.values.size(); ++i) {
        out.values[i] += inputs[1]->values[i];
      }
      break;
    case Op::kGlobalAveragePool:
      for (std::size_t i = 0; i < in.values.size(); ++i) {
        out.values[i % out.values.size()] +=
            in.values[i] / (double(in.height) * in.width);
      }
      break;
  }
  return out;
}

}  // namespace

ReferenceOutput ReferenceForward(const Model& model,
                                 std::span<const double> parameters,
                                 const ImageView& image) {
  Tensor input(image.size.height, image.size.width, image.channels);
  std::copy_n(image.pixels, input.values.size(), input.values.begin());
  const auto sizes = model.NodeSizes(image.size);
  std::vector<Tensor> outputs;
  outputs.reserve(model.nodes().size());
  for (std::size_t n = 0; n < model.nodes().size(); ++n) {
    std::vector<const Tensor*> inputs;
    for (const int i : model.nodes()[n].inputs) {
      inputs.push_back(
          i == Model::kImage ? &input : &outputs[static_cast<std::size_t>(i)]);
    }
    outputs.push_back(Apply(model.nodes()[n], parameters, inputs, (*sizes)[n]));
  }
  return {outputs.back().values,
          outputs[static_cast<std::size_t>(model.pool_node())].values};
}

double ReferenceLoss(const std::vector<double>& logits, int label) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - largest);
  return std::log(sum) - (logits[static_cast<std::size_t>(label)] - largest);
}

}  // namespace fedgap
