// oneDNN as an opponent for engine_bench, with the algorithm that the load
// request's "algorithm" names: "direct" or "auto". A batch of images of one
// size is one call of each primitive; images of several sizes go one by one.
// Primitives are kept until the size changes; oneDNN's own cache of 1,024 of
// them, at its default, serves those that come back.
#include <algorithm>
#include <dnnl.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/engine/layer_chain.h"
#include "bench/engine/training_engine.h"

namespace fedgap::bench {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Tag = memory::format_tag;
using Dims = memory::dims;

constexpr auto kFloat = memory::data_type::f32;
const Dims kOne = {1, 1};
const Dims kTwo = {2, 2};
const Dims kNoPadding = {0, 0};

memory::desc AnyLayout(const Dims& dims) { return {dims, kFloat, Tag::any}; }

// Primitives in the order in which they run.
class Program {
 public:
  explicit Program(const dnnl::engine& engine) : engine_(engine) {}

  void Add(dnnl::primitive primitive,
           std::unordered_map<int, memory> arguments) {
    calls_.emplace_back(std::move(primitive), std::move(arguments));
  }
  // `from` in another layout, by a reorder if that is needed.
  memory Convert(const memory& from, const memory::desc& wanted) {
    if (from.get_desc() == wanted) return from;
    memory to(wanted, engine_);
    AddReorder(from, to);
    return to;
  }
  void AddReorder(const memory& from, const memory& to) {
    Add(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }
  void Run(dnnl::stream& stream) const {
    for (const auto& [primitive, arguments] : calls_) {
      primitive.execute(stream, arguments);
    }
    stream.wait();
  }

 private:
  dnnl::engine engine_;
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>>
      calls_;
};

// What the programs of all sizes share.
struct Shared {
  LayerChain chain;
  algorithm convolution = algorithm::convolution_direct;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  Parameters parameters = {};
  Parameters gradient = {};

  // A convolution's part of a flat buffer.
  memory Weight(const ConvLayer& conv, Parameters& values) const {
    return {{{conv.out_channels, conv.in_channels, 3, 3}, kFloat, Tag::hwio},
            engine,
            values.data() + conv.weight};
  }
  memory Bias(const ConvLayer& conv, Parameters& values) const {
    return {{{conv.out_channels}, kFloat, Tag::x},
            engine,
            values.data() + conv.bias};
  }
};

// All primitives for `count` images of one size.
class Network {
 public:
  Network(Shared& shared, int count, ImageSize size)
      : shared_(shared),
        count_(count),
        size_(size),
        forward_(shared.engine),
        backward_(shared.engine) {
    const int channels = shared.chain.convs[0].in_channels;
    image_ =
        memory({{count, channels, size.height, size.width}, kFloat, Tag::nhwc},
               shared.engine);
    ImageSize at = size;
    memory value = image_;
    for (const ConvLayer& conv : shared.chain.convs) {
      value = AddLayer(conv, value, at);
      if (conv.pool) at = {at.height / 2, at.width / 2};
    }
    memory gradient = AddGlobalPool(value, at);
    for (std::size_t i = layers_.size(); i-- > 0;) {
      gradient = AddLayerBackward(i, gradient);
    }
  }

  bool Fits(int count, ImageSize size) const {
    return count == count_ && size == size_;
  }
  float* image() const { return static_cast<float*>(image_.get_data_handle()); }
  // [count, pooled channels], before and behind the head.
  std::span<float> pooled() const { return Rows(pooled_); }
  std::span<float> pooled_gradient() const { return Rows(pooled_gradient_); }
  void Forward(dnnl::stream& stream) const { forward_.Run(stream); }
  void Backward(dnnl::stream& stream) const { backward_.Run(stream); }

 private:
  struct Layer {
    ConvLayer conv;
    dnnl::convolution_forward::primitive_desc forward;
    dnnl::pooling_forward::primitive_desc pool;
    memory source;
    memory out;  // behind the ReLU
    memory winners;
  };

  std::span<float> Rows(const memory& rows) const {
    return {static_cast<float*>(rows.get_data_handle()),
            static_cast<std::size_t>(count_ * shared_.chain.pooled_channels)};
  }

  // Returns the layer's result.
  memory AddLayer(const ConvLayer& conv, const memory& before, ImageSize size) {
    const Dims in = {count_, conv.in_channels, size.height, size.width};
    const Dims out = {count_, conv.out_channels, size.height, size.width};
    dnnl::primitive_attr relu;
    dnnl::post_ops operations;
    operations.append_eltwise(1.0f, algorithm::eltwise_relu, 0.0f, 0.0f);
    relu.set_post_ops(operations);
    Layer layer;
    layer.conv = conv;
    layer.forward = {{prop_kind::forward_training,
                      shared_.convolution,
                      AnyLayout(in),
                      AnyLayout({conv.out_channels, conv.in_channels, 3, 3}),
                      {{conv.out_channels}, kFloat, Tag::x},
                      AnyLayout(out),
                      kOne,
                      kOne,
                      kOne},
                     relu,
                     shared_.engine};
    layer.source = forward_.Convert(before, layer.forward.src_desc());
    layer.out = memory(layer.forward.dst_desc(), shared_.engine);
    const memory weight = forward_.Convert(
        shared_.Weight(conv, shared_.parameters), layer.forward.weights_desc());
    forward_.Add(dnnl::convolution_forward(layer.forward),
                 {{DNNL_ARG_SRC, layer.source},
                  {DNNL_ARG_WEIGHTS, weight},
                  {DNNL_ARG_BIAS, shared_.Bias(conv, shared_.parameters)},
                  {DNNL_ARG_DST, layer.out}});
    const memory result = conv.pool ? AddPool(size, layer) : layer.out;
    layers_.push_back(layer);
    return result;
  }

  memory AddPool(ImageSize size, Layer& layer) {
    const Dims out = {count_, layer.conv.out_channels, size.height / 2,
                      size.width / 2};
    layer.pool = {{prop_kind::forward_training, algorithm::pooling_max,
                   layer.out.get_desc(), AnyLayout(out), kTwo, kTwo, kNoPadding,
                   kNoPadding},
                  shared_.engine};
    layer.winners = memory(layer.pool.workspace_desc(), shared_.engine);
    memory result(layer.pool.dst_desc(), shared_.engine);
    forward_.Add(dnnl::pooling_forward(layer.pool),
                 {{DNNL_ARG_SRC, layer.out},
                  {DNNL_ARG_DST, result},
                  {DNNL_ARG_WORKSPACE, layer.winners}});
    return result;
  }

  // Returns the gradient of the last layer's result.
  memory AddGlobalPool(const memory& value, ImageSize size) {
    const int channels = shared_.chain.pooled_channels;
    const Dims dims = {count_, channels, 1, 1};
    const Dims window = {size.height, size.width};
    const dnnl::pooling_forward::primitive_desc pool(
        {prop_kind::forward_training, algorithm::pooling_avg_exclude_padding,
         value.get_desc(), AnyLayout(dims), window, window, kNoPadding,
         kNoPadding},
        shared_.engine);
    const memory out(pool.dst_desc(), shared_.engine);
    forward_.Add(dnnl::pooling_forward(pool),
                 {{DNNL_ARG_SRC, value}, {DNNL_ARG_DST, out}});
    const memory::desc rows(dims, kFloat, Tag::nchw);
    pooled_ = forward_.Convert(out, rows);
    pooled_gradient_ = memory(rows, shared_.engine);
    const dnnl::pooling_backward::primitive_desc back(
        {algorithm::pooling_avg_exclude_padding, value.get_desc(),
         out.get_desc(), window, window, kNoPadding, kNoPadding},
        shared_.engine, pool);
    memory gradient(value.get_desc(), shared_.engine);
    backward_.Add(dnnl::pooling_backward(back),
                  {{DNNL_ARG_DIFF_DST,
                    backward_.Convert(pooled_gradient_, out.get_desc())},
                   {DNNL_ARG_DIFF_SRC, gradient}});
    return gradient;
  }

  // From the gradient of a layer's result to that of the layer before.
  memory AddLayerBackward(std::size_t index, memory gradient) {
    const Layer& layer = layers_[index];
    const memory::desc out = layer.out.get_desc();
    if (layer.conv.pool) gradient = AddPoolBackward(layer, gradient);
    gradient = backward_.Convert(gradient, out);
    const dnnl::eltwise_forward::primitive_desc relu(
        {prop_kind::forward_training, algorithm::eltwise_relu_use_dst_for_bwd,
         out, 0.0f},
        shared_.engine);
    const dnnl::eltwise_backward::primitive_desc back(
        {algorithm::eltwise_relu_use_dst_for_bwd, out, out, 0.0f},
        shared_.engine, relu);
    backward_.Add(dnnl::eltwise_backward(back),
                  {{DNNL_ARG_DST, layer.out},
                   {DNNL_ARG_DIFF_DST, gradient},
                   {DNNL_ARG_DIFF_SRC, gradient}});
    AddWeightGradient(layer, gradient);
    return index == 0 ? memory() : AddInputGradient(layer, gradient);
  }

  memory AddPoolBackward(const Layer& layer, const memory& gradient) {
    const dnnl::pooling_backward::primitive_desc back(
        {algorithm::pooling_max, layer.out.get_desc(), layer.pool.dst_desc(),
         kTwo, kTwo, kNoPadding, kNoPadding},
        shared_.engine, layer.pool);
    memory before(layer.out.get_desc(), shared_.engine);
    backward_.Add(dnnl::pooling_backward(back),
                  {{DNNL_ARG_DIFF_DST,
                    backward_.Convert(gradient, layer.pool.dst_desc())},
                   {DNNL_ARG_WORKSPACE, layer.winners},
                   {DNNL_ARG_DIFF_SRC, before}});
    return before;
  }

  void AddWeightGradient(const Layer& layer, const memory& gradient) {
    const ConvLayer& conv = layer.conv;
    const dnnl::convolution_backward_weights::primitive_desc back(
        {shared_.convolution,
         AnyLayout(layer.source.get_desc().dims()),
         AnyLayout({conv.out_channels, conv.in_channels, 3, 3}),
         {{conv.out_channels}, kFloat, Tag::x},
         AnyLayout(gradient.get_desc().dims()),
         kOne,
         kOne,
         kOne},
        shared_.engine, layer.forward);
    const memory weight(back.diff_weights_desc(), shared_.engine);
    backward_.Add(
        dnnl::convolution_backward_weights(back),
        {{DNNL_ARG_SRC, backward_.Convert(layer.source, back.src_desc())},
         {DNNL_ARG_DIFF_DST, backward_.Convert(gradient, back.diff_dst_desc())},
         {DNNL_ARG_DIFF_WEIGHTS, weight},
         {DNNL_ARG_DIFF_BIAS, shared_.Bias(conv, shared_.gradient)}});
    backward_.AddReorder(weight, shared_.Weight(conv, shared_.gradient));
  }

  memory AddInputGradient(const Layer& layer, const memory& gradient) {
    const ConvLayer& conv = layer.conv;
    const dnnl::convolution_backward_data::primitive_desc back(
        {shared_.convolution, AnyLayout(layer.source.get_desc().dims()),
         AnyLayout({conv.out_channels, conv.in_channels, 3, 3}),
         AnyLayout(gradient.get_desc().dims()), kOne, kOne, kOne},
        shared_.engine, layer.forward);
    memory before(back.diff_src_desc(), shared_.engine);
    const memory weight = backward_.Convert(
        shared_.Weight(conv, shared_.parameters), back.weights_desc());
    backward_.Add(
        dnnl::convolution_backward_data(back),
        {{DNNL_ARG_DIFF_DST, backward_.Convert(gradient, back.diff_dst_desc())},
         {DNNL_ARG_WEIGHTS, weight},
         {DNNL_ARG_DIFF_SRC, before}});
    return before;
  }

  Shared& shared_;
  int count_;
  ImageSize size_;
  Program forward_;
  Program backward_;
  std::vector<Layer> layers_;
  memory image_;
  memory pooled_;
  memory pooled_gradient_;
};

class OnednnEngine : public TrainingEngine {
 public:
  OnednnEngine(const Workload& workload, LayerChain chain, algorithm chosen)
      : shared_{std::move(chain), chosen},
        stream_(shared_.engine),
        sum_(workload.parameters().size()),
        velocity_(workload.parameters().size()) {
    shared_.parameters = workload.parameters();
    shared_.gradient.resize(shared_.parameters.size());
  }

  double Step(std::span<const Example> batch, float learning_rate) override {
    const bool one_size = std::ranges::all_of(batch, [&](const Example& e) {
      return e.image.size == batch[0].image.size;
    });
    double loss = 0;
    if (one_size) {
      loss = ComputeGradient(batch);
      SgdStep(learning_rate, shared_.gradient, velocity_, shared_.parameters);
      return loss;
    }
    std::ranges::fill(sum_, 0.0f);
    const auto weight = 1.0f / static_cast<float>(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      loss += ComputeGradient(batch.subspan(i, 1));
      for (std::size_t p = 0; p < sum_.size(); ++p) {
        sum_[p] += weight * shared_.gradient[p];
      }
    }
    SgdStep(learning_rate, sum_, velocity_, shared_.parameters);
    return loss / static_cast<double>(batch.size());
  }

 private:
  // Of images of one size; returns the mean loss.
  double ComputeGradient(std::span<const Example> batch) {
    const auto count = static_cast<int>(batch.size());
    const ImageSize size = batch[0].image.size;
    if (network_ == nullptr || !network_->Fits(count, size)) {
      network_.reset();
      network_ = std::make_unique<Network>(shared_, count, size);
    }
    float* to = network_->image();
    for (const Example& example : batch) {
      to = std::copy_n(example.image.pixels,
                       size.pixels() * example.image.channels, to);
    }
    network_->Forward(stream_);
    const double loss = HeadStep(batch);
    network_->Backward(stream_);
    return loss;
  }

  double HeadStep(std::span<const Example> batch) {
    const LayerChain& chain = shared_.chain;
    const auto classes = static_cast<std::size_t>(chain.classes);
    const auto channels = static_cast<std::size_t>(chain.pooled_channels);
    const std::span<float> pooled = network_->pooled();
    const float* weight = shared_.parameters.data() + chain.head_weight;
    const float* bias = shared_.parameters.data() + chain.head_bias;
    logits_.resize(batch.size() * classes);
    for (std::size_t n = 0; n < batch.size(); ++n) {
      float* row = logits_.data() + n * classes;
      std::copy_n(bias, classes, row);
      for (std::size_t c = 0; c < channels; ++c) {
        const float value = pooled[n * channels + c];
        for (std::size_t k = 0; k < classes; ++k) {
          row[k] += value * weight[c * classes + k];
        }
      }
    }
    const double loss = SoftmaxLoss(logits_, chain.classes, batch);
    HeadBackward(batch.size());
    return loss;
  }

  void HeadBackward(std::size_t count) {
    const LayerChain& chain = shared_.chain;
    const auto classes = static_cast<std::size_t>(chain.classes);
    const auto channels = static_cast<std::size_t>(chain.pooled_channels);
    const std::span<float> pooled = network_->pooled();
    const std::span<float> pooled_gradient = network_->pooled_gradient();
    const float* weight = shared_.parameters.data() + chain.head_weight;
    float* weight_gradient = shared_.gradient.data() + chain.head_weight;
    float* bias_gradient = shared_.gradient.data() + chain.head_bias;
    std::fill_n(weight_gradient, channels * classes, 0.0f);
    std::fill_n(bias_gradient, classes, 0.0f);
    for (std::size_t n = 0; n < count; ++n) {
      const float* row = logits_.data() + n * classes;
      for (std::size_t k = 0; k < classes; ++k) bias_gradient[k] += row[k];
      for (std::size_t c = 0; c < channels; ++c) {
        const float value = pooled[n * channels + c];
        float sum = 0;
        for (std::size_t k = 0; k < classes; ++k) {
          weight_gradient[c * classes + k] += value * row[k];
          sum += weight[c * classes + k] * row[k];
        }
        pooled_gradient[n * channels + c] = sum;
      }
    }
  }

  Shared shared_;
  dnnl::stream stream_;
  std::unique_ptr<Network> network_;
  std::vector<float> logits_;
  Parameters sum_;
  Parameters velocity_;
};

StatusOr<std::unique_ptr<TrainingEngine>> MakeEngine(
    const Workload& workload, const nlohmann::json& options) {
  FEDGAP_ASSIGN_OR_RETURN(LayerChain chain, LayerChainOf(workload.model()));
  const bool direct = options["algorithm"].get<std::string>() == "direct";
  return std::make_unique<OnednnEngine>(
      workload, std::move(chain),
      direct ? algorithm::convolution_direct : algorithm::convolution_auto);
}

}  // namespace
}  // namespace fedgap::bench

int main() { return fedgap::bench::ServeRequests(fedgap::bench::MakeEngine); }
