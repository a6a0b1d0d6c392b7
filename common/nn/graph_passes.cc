#include "common/nn/graph_passes.h"

#include <algorithm>

#include "common/base/check.h"

namespace fedgap {
namespace {

using kernels::FeatureMap;
using kernels::Kernels;

void CopyImage(const ImageView& image, const FeatureMap& to) {
  FEDGAP_CHECK(image.channels == to.channels);
  const std::ptrdiff_t row = image.size.width * std::ptrdiff_t{image.channels};
  for (int y = 0; y < to.height; ++y) {
    const float* from = image.pixels + y * row;
    if (to.pixel_stride == to.channels) {
      std::copy_n(from, row, to.at(y, 0));
      continue;
    }
    for (int x = 0; x < to.width; ++x) {
      std::copy_n(from + std::ptrdiff_t{x} * to.channels, to.channels,
                  to.at(y, x));
    }
  }
}

// The two passes through one step.
class StepRunner {
 public:
  StepRunner(const GraphPasses& passes, Workspace& workspace, std::size_t index)
      : kernels_(passes.kernels),
        packed_(passes.packed.data()),
        observer_(passes.observer),
        workspace_(workspace),
        index_(index),
        step_(passes.plan.steps()[index]),
        in_(workspace.value(step_.inputs[0].value)),
        out_(workspace.value(static_cast<int>(index) + 1)) {}

  void Forward() {
    switch (step_.op()) {
      case Op::kConv2d:
      case Op::kLinear:
        ConvForward();
        break;
      case Op::kGroupNorm:
        step_.norm->Forward(kernels_, {in_, packed_ + step_.weight_at, bias(),
                                       workspace_.state(index_),
                                       workspace_.norm_winners(index_), out_});
        break;
      case Op::kRelu:
        kernels_.relu(in_, out_);
        break;
      case Op::kAdd:
        kernels_.add(in_, workspace_.value(step_.inputs[1].value), step_.relu,
                     out_);
        break;
      case Op::kMaxPool:
        kernels_.max_pool(step_.window, in_, out_, workspace_.winners(index_));
        break;
      case Op::kAvgPool:
        kernels_.avg_pool(step_.window, in_, out_);
        break;
      case Op::kGlobalAveragePool:
        kernels_.channel_sums(in_, false, out_.data);
        DivideByPixels(out_.data, out_.data);
        break;
    }
    Ended(EnginePhase::kForward);
  }

  // `to_sum`: to_sum to the parameters' gradients that stand in `gradient`.
  void Backward(const PlanValue& out_value, bool to_sum, float* gradient) {
    if (!to_sum) ClearShortGradients(gradient);
    if (step_.masks_in_place(out_value)) {
      kernels_.relu_gradient(out_, out_gradient(), false, out_gradient());
    }
    switch (step_.op()) {
      case Op::kConv2d:
      case Op::kLinear:
        ConvBackward(to_sum, gradient);
        break;
      case Op::kGroupNorm:
        NormBackward(gradient);
        break;
      case Op::kRelu:
        kernels_.relu_gradient(out_, out_gradient(), accumulate(),
                               in_gradient());
        break;
      case Op::kAdd:
        for (const PlanInput& input : step_.inputs) {
          const FeatureMap& to = workspace_.gradient(input.value);
          // One memory: there it is (ExecutionPlan::ShareGradients).
          const bool shared = to.data == out_gradient().data;
          if (to.data == nullptr || shared) continue;
          kernels_.copy(out_gradient(), input.accumulate, to);
        }
        break;
      case Op::kMaxPool:
        kernels_.max_pool_gradient(step_.window, out_gradient(),
                                   workspace_.winners(index_),
                                   step_.masks_gradient ? &out_ : nullptr,
                                   accumulate(), in_gradient());
        break;
      case Op::kAvgPool:
        kernels_.avg_pool_gradient(step_.window, out_gradient(), accumulate(),
                                   in_gradient());
        break;
      case Op::kGlobalAveragePool: {
        float* share = workspace_.state(index_);
        DivideByPixels(out_gradient().data, share);
        kernels_.broadcast(share, step_.masks_gradient ? &in_ : nullptr,
                           accumulate(), in_gradient());
        break;
      }
    }
    if (!step_.conv || in_gradient().data != nullptr) {
      Ended(EnginePhase::kInputGradient);
    }
  }

 private:
  void Ended(EnginePhase phase) const {
    if (observer_ != nullptr) observer_->OnPhaseEnd(phase, step_.node);
  }

  const float* bias() const {
    return step_.has_bias() ? packed_ + step_.bias_at : nullptr;
  }
  bool accumulate() const { return step_.inputs[0].accumulate; }
  kernels::BorderedMap bordered_in() const {
    return workspace_.bordered_value(step_.inputs[0].value);
  }
  kernels::BorderedMap bordered_out_gradient() const {
    return workspace_.bordered_gradient(static_cast<int>(index_) + 1);
  }
  const FeatureMap& in_gradient() const {
    return workspace_.gradient(step_.inputs[0].value);
  }
  const FeatureMap& out_gradient() const {
    return workspace_.gradient(static_cast<int>(index_) + 1);
  }

  void DivideByPixels(const float* from, float* to) const {
    const auto pixels = static_cast<float>(in_.pixels());
    for (int c = 0; c < in_.channels; ++c) to[c] = from[c] / pixels;
  }

  void ConvForward() {
    const kernels::ConvGeometry& geometry = workspace_.geometry(index_);
    const kernels::Conv2d::ForwardArgs args{in_, packed_ + step_.weight_at,
                                            bias(), step_.relu, out_};
    if (step_.mixed) {
      step_.mixed->Forward(kernels_, geometry, bordered_in(), args,
                           workspace_.conversion());
    } else {
      step_.conv->Forward(kernels_, geometry, args);
    }
  }

  // Those that are always added to; a convolution's weights are many.
  void ClearShortGradients(float* gradient) const {
    if (step_.norm) {
      std::fill_n(gradient + step_.weight_gradient_at, out_.pixel_stride, 0.0f);
    }
    if (step_.has_bias()) {
      std::fill_n(gradient + step_.bias_gradient_at, out_.pixel_stride, 0.0f);
    }
  }

  void ConvBackward(bool to_sum, float* gradient) {
    const kernels::ConvGeometry& geometry = workspace_.geometry(index_);
    if (step_.has_bias()) {
      kernels_.channel_sums(out_gradient(), true,
                            gradient + step_.bias_gradient_at);
      Ended(EnginePhase::kBiasGradient);
    }
    float* weight_gradient = gradient + step_.weight_gradient_at;
    if (step_.mixed) {
      step_.mixed->WeightGradient(kernels_, geometry, bordered_in(),
                                  bordered_out_gradient(), weight_gradient,
                                  to_sum, workspace_.conversion());
    } else {
      step_.conv->WeightGradient(
          kernels_, geometry, {in_, out_gradient(), weight_gradient, to_sum});
    }
    Ended(EnginePhase::kWeightGradient);
    if (in_gradient().data == nullptr) return;
    const kernels::Conv2d::InputGradientArgs args{
        out_gradient(), packed_ + step_.backward_weight_at,
        step_.masks_gradient ? in_.data : nullptr, accumulate(), in_gradient()};
    if (step_.mixed) {
      step_.mixed->InputGradient(kernels_, geometry, bordered_out_gradient(),
                                 args, workspace_.conversion());
    } else {
      step_.conv->InputGradient(kernels_, geometry, args);
    }
  }

  void NormBackward(float* gradient) {
    kernels::GroupNorm::BackwardArgs args;
    args.in = in_;
    args.out_gradient = out_gradient();
    args.scale = packed_ + step_.weight_at;
    args.state = workspace_.state(index_);
    args.winners = workspace_.norm_winners(index_);
    args.scale_gradient = gradient + step_.weight_gradient_at;
    args.shift_gradient = gradient + step_.bias_gradient_at;
    args.accumulate = accumulate();
    args.in_gradient = in_gradient();
    step_.norm->Backward(kernels_, args);
  }

  const Kernels& kernels_;
  const float* packed_;
  EngineObserver* observer_;
  Workspace& workspace_;
  std::size_t index_;
  const PlanStep& step_;
  const FeatureMap& in_;
  const FeatureMap& out_;
};

}  // namespace

void RunForward(const GraphPasses& passes, const ImageView& image,
                Workspace& workspace) {
  workspace.Prepare(image.size);
  CopyImage(image, workspace.value(0));
  if (passes.observer != nullptr) {
    passes.observer->OnPhaseEnd(EnginePhase::kLoadImage, nullptr);
  }
  for (std::size_t s = 0; s < passes.plan.steps().size(); ++s) {
    StepRunner(passes, workspace, s).Forward();
  }
}

void RunBackward(const GraphPasses& passes, Workspace& workspace,
                 bool accumulate, std::span<float> gradient) {
  for (std::size_t s = passes.plan.steps().size(); s-- > 0;) {
    const PlanValue& out = passes.plan.values()[s + 1];
    if (!out.trained) continue;
    StepRunner(passes, workspace, s).Backward(out, accumulate, gradient.data());
  }
}

}  // namespace fedgap
