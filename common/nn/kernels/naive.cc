#include "common/nn/kernels/naive.h"

#include <algorithm>
#include <cmath>

namespace fedgap::kernels::naive {
namespace {

// Calls visit(weight index, y, x, in channel) for every product of the output
// (oy, ox, oc), in the order of the sum.
template <typename Visitor>
void ForEachProduct(const ConvShape& shape, int oy, int ox, int oc,
                    const Visitor& visit) {
  const int in_per_group = shape.in_channels / shape.groups;
  const int out_per_group = shape.out_channels / shape.groups;
  for (int ky = 0; ky < shape.kernel[0]; ++ky) {
    for (int kx = 0; kx < shape.kernel[1]; ++kx) {
      for (int i = 0; i < in_per_group; ++i) {
        const int y =
            oy * shape.stride[0] + ky * shape.dilation[0] - shape.padding[0];
        const int x =
            ox * shape.stride[1] + kx * shape.dilation[1] - shape.padding[1];
        const int row = (ky * shape.kernel[1] + kx) * in_per_group + i;
        const int weight = row * shape.out_channels + oc;
        visit(static_cast<std::size_t>(weight), y, x,
              oc / out_per_group * in_per_group + i);
      }
    }
  }
}

template <typename Visitor>
void ForEachElement(const Image& image, const Visitor& visit) {
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < image.channels; ++c) visit(y, x, c);
    }
  }
}

// Calls visit(tap, y, x) for the pixels of an output's window that lie inside.
template <typename Visitor>
void ForEachTap(const PoolWindow& window, const Image& in, int oy, int ox,
                const Visitor& visit) {
  for (int ky = 0; ky < window.kernel_height; ++ky) {
    for (int kx = 0; kx < window.kernel_width; ++kx) {
      const int y = oy * window.stride_y - window.padding_y + ky;
      const int x = ox * window.stride_x - window.padding_x + kx;
      if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
      visit(ky * window.kernel_width + kx, y, x);
    }
  }
}

Image PoolOutput(const PoolWindow& window, const Image& in) {
  const auto outputs = [](int size, int kernel, int stride, int padding) {
    return (size + 2 * padding - kernel) / stride + 1;
  };
  return Image(
      outputs(in.height, window.kernel_height, window.stride_y,
              window.padding_y),
      outputs(in.width, window.kernel_width, window.stride_x, window.padding_x),
      in.channels);
}

}  // namespace

Image ConvForward(const ConvShape& shape, const Image& in, const Vector& weight,
                  const Vector& bias) {
  const ImageSize size = Conv2d(shape).OutputSize({in.height, in.width});
  Image out(size.height, size.width, shape.out_channels);
  ForEachElement(out, [&](int oy, int ox, int oc) {
    float sum = bias.empty() ? 0.0f : bias[static_cast<std::size_t>(oc)];
    ForEachProduct(shape, oy, ox, oc, [&](std::size_t w, int y, int x, int c) {
      sum = std::fma(in.padded(y, x, c), weight[w], sum);
    });
    out.at(oy, ox, oc) = sum;
  });
  return out;
}

Image ConvInputGradient(const ConvShape& shape, const Image& in,
                        const Vector& weight, const Image& out_gradient) {
  const int in_per_group = shape.in_channels / shape.groups;
  const int out_per_group = shape.out_channels / shape.groups;
  Image gradient(in.height, in.width, in.channels);
  ForEachElement(gradient, [&](int y, int x, int c) {
    float sum = 0;
    for (int tap = shape.kernel[0] * shape.kernel[1] - 1; tap >= 0; --tap) {
      const int ky = tap / shape.kernel[1];
      const int kx = tap % shape.kernel[1];
      const int top = y + shape.padding[0] - ky * shape.dilation[0];
      const int left = x + shape.padding[1] - kx * shape.dilation[1];
      if (top % shape.stride[0] != 0 || left % shape.stride[1] != 0) continue;
      const int row = tap * in_per_group + c % in_per_group;
      const int group = c / in_per_group;
      for (int o = 0; o < out_per_group; ++o) {
        const int oc = group * out_per_group + o;
        const int at = row * shape.out_channels + oc;
        const auto w = static_cast<std::size_t>(at);
        sum = std::fma(out_gradient.padded(top / shape.stride[0],
                                           left / shape.stride[1], oc),
                       weight[w], sum);
      }
    }
    gradient.at(y, x, c) = sum;
  });
  return gradient;
}

void ConvWeightGradient(const ConvShape& shape, const Image& in,
                        const Image& out_gradient, Vector* weight_gradient) {
  ForEachElement(out_gradient, [&](int oy, int ox, int oc) {
    ForEachProduct(shape, oy, ox, oc, [&](std::size_t w, int y, int x, int c) {
      float& sum = (*weight_gradient)[w];
      sum = std::fma(in.padded(y, x, c), out_gradient.at(oy, ox, oc), sum);
    });
  });
}

Image Relu(const Image& in) {
  Image out = in;
  for (float& value : out.values) value = value < 0 ? 0 : value;
  return out;
}

Image ReluGradient(const Image& y, const Image& out_gradient) {
  Image gradient = out_gradient;
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    if (y.values[i] <= 0) gradient.values[i] = 0;
  }
  return gradient;
}

Image Add(const Image& a, const Image& b) {
  Image out = a;
  for (std::size_t i = 0; i < b.values.size(); ++i)
    out.values[i] += b.values[i];
  return out;
}

MaxPoolResult MaxPool(const PoolWindow& window, const Image& in) {
  MaxPoolResult result{PoolOutput(window, in), {}};
  ForEachElement(result.out, [&](int oy, int ox, int c) {
    float best = 0;
    std::int32_t winner = -1;
    ForEachTap(window, in, oy, ox, [&](int tap, int y, int x) {
      if (winner < 0 || in.at(y, x, c) > best) {
        best = in.at(y, x, c);
        winner = tap;
      }
    });
    result.out.at(oy, ox, c) = best;
    result.winners.push_back(winner);
  });
  return result;
}

Image MaxPoolGradient(const PoolWindow& window, const Image& in,
                      const MaxPoolResult& forward, const Image& out_gradient) {
  Image gradient(in.height, in.width, in.channels);
  std::size_t n = 0;
  ForEachElement(forward.out, [&](int oy, int ox, int c) {
    ForEachTap(window, in, oy, ox, [&](int tap, int y, int x) {
      if (tap == forward.winners[n]) {
        gradient.at(y, x, c) += out_gradient.at(oy, ox, c);
      }
    });
    ++n;
  });
  return gradient;
}

Image AvgPool(const PoolWindow& window, const Image& in) {
  Image out = PoolOutput(window, in);
  ForEachElement(out, [&](int oy, int ox, int c) {
    float sum = 0;
    int count = 0;
    ForEachTap(window, in, oy, ox, [&](int, int y, int x) {
      sum += in.at(y, x, c);
      ++count;
    });
    out.at(oy, ox, c) = sum / static_cast<float>(count);
  });
  return out;
}

Image AvgPoolGradient(const PoolWindow& window, const Image& in,
                      const Image& out_gradient) {
  Image gradient(in.height, in.width, in.channels);
  ForEachElement(out_gradient, [&](int oy, int ox, int c) {
    int count = 0;
    ForEachTap(window, in, oy, ox, [&](int, int, int) { ++count; });
    const float share = out_gradient.at(oy, ox, c) / static_cast<float>(count);
    ForEachTap(window, in, oy, ox,
               [&](int, int y, int x) { gradient.at(y, x, c) += share; });
  });
  return gradient;
}

Vector ChannelSums(const Image& map) {
  Vector sums(static_cast<std::size_t>(map.channels));
  for (int y = 0; y < map.height; ++y) {
    for (int c = 0; c < map.channels; ++c) {
      float chains[4] = {};
      for (int x = 0; x < map.width; ++x) chains[x % 4] += map.at(y, x, c);
      sums[static_cast<std::size_t>(c)] +=
          (chains[0] + chains[2]) + (chains[1] + chains[3]);
    }
  }
  return sums;
}

Image GroupNorm(const Image& in, int groups, double epsilon,
                const Vector& scale, const Vector& shift) {
  const int per_group = in.channels / groups;
  const double count = 1.0 * in.height * in.width * per_group;
  std::vector<double> sums(static_cast<std::size_t>(groups));
  std::vector<double> squares(sums.size());
  const auto group = [&](int c) {
    return static_cast<std::size_t>(c / per_group);
  };
  ForEachElement(in, [&](int y, int x, int c) {
    sums[group(c)] += double{in.at(y, x, c)};
  });
  ForEachElement(in, [&](int y, int x, int c) {
    const double d = double{in.at(y, x, c)} - sums[group(c)] / count;
    squares[group(c)] += d * d;
  });
  Image out = in;
  ForEachElement(in, [&](int y, int x, int c) {
    const auto channel = static_cast<std::size_t>(c);
    const double centred = double{in.at(y, x, c)} - sums[group(c)] / count;
    const double normal =
        centred / std::sqrt(squares[group(c)] / count + epsilon);
    out.at(y, x, c) = static_cast<float>(normal * double{scale[channel]} +
                                         double{shift[channel]});
  });
  return out;
}

std::vector<double> Softmax(const Vector& logits) {
  const double largest =
      double{*std::max_element(logits.begin(), logits.end())};
  std::vector<double> out;
  double sum = 0;
  for (const float logit : logits) {
    out.push_back(std::exp(double{logit} - largest));
    sum += out.back();
  }
  for (double& value : out) value /= sum;
  return out;
}

}  // namespace fedgap::kernels::naive
