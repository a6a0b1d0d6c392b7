// Eigen as an opponent for engine_bench: one image at a time, each convolution
// one matrix product of an im2col matrix [pixels, 9 channels] with the weights.
#include <Eigen/Core>
#include <vector>

#include "bench/engine/layer_chain.h"
#include "bench/engine/training_engine.h"

namespace fedgap::bench {
namespace {

using Matrix =
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix>;
using ConstMatrixMap = Eigen::Map<const Matrix>;
using RowMap = Eigen::Map<Eigen::RowVectorXf>;
using ConstRowMap = Eigen::Map<const Eigen::RowVectorXf>;

// One convolution's matrices for the current image: [pixels, channels].
struct LayerState {
  int height = 0;
  int width = 0;
  Matrix columns;
  Matrix out;     // behind the ReLU
  Matrix pooled;  // behind the pool, if there is one
  std::vector<Eigen::Index> winners;

  const Matrix& result(bool pool) const { return pool ? pooled : out; }
};

// Calls visit(row of the columns, tap, pixel) where the tap lies inside.
template <typename Visitor>
void ForEachTap(int height, int width, const Visitor& visit) {
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int tap = 0; tap < 9; ++tap) {
        const int from_y = y + tap / 3 - 1;
        const int from_x = x + tap % 3 - 1;
        if (from_y < 0 || from_y >= height || from_x < 0 || from_x >= width) {
          continue;
        }
        visit(y * width + x, tap, from_y * width + from_x);
      }
    }
  }
}

void MaxPool(LayerState& state) {
  const int height = state.height / 2;
  const int width = state.width / 2;
  const Eigen::Index channels = state.out.cols();
  state.pooled.resize(Eigen::Index{height} * width, channels);
  state.winners.resize(static_cast<std::size_t>(state.pooled.size()));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Eigen::Index to = Eigen::Index{y} * width + x;
      for (Eigen::Index c = 0; c < channels; ++c) {
        const Eigen::Index first = Eigen::Index{2} * y * state.width + 2 * x;
        Eigen::Index best = first;
        for (const Eigen::Index pixel :
             {first + 1, first + state.width, first + state.width + 1}) {
          if (state.out(pixel, c) > state.out(best, c)) best = pixel;
        }
        state.pooled(to, c) = state.out(best, c);
        state.winners[static_cast<std::size_t>(to * channels + c)] = best;
      }
    }
  }
}

class EigenEngine : public TrainingEngine {
 public:
  EigenEngine(const Workload& workload, LayerChain chain)
      : chain_(std::move(chain)),
        states_(chain_.convs.size()),
        parameters_(workload.parameters()),
        gradient_(parameters_.size()),
        velocity_(parameters_.size()) {}

  double Step(std::span<const Example> batch, float learning_rate) override {
    std::ranges::fill(gradient_, 0.0f);
    const float weight = 1.0f / static_cast<float>(batch.size());
    double loss = 0;
    for (const Example& example : batch) {
      Forward(example.image);
      Eigen::RowVectorXf logits =
          pooled_ * HeadWeight() +
          ConstRowMap(parameters_.data() + chain_.head_bias, chain_.classes);
      loss +=
          SoftmaxLoss({logits.data(), static_cast<std::size_t>(chain_.classes)},
                      chain_.classes, {&example, 1});
      Backward(logits * weight);
    }
    SgdStep(learning_rate, gradient_, velocity_, parameters_);
    return loss / static_cast<double>(batch.size());
  }

 private:
  ConstMatrixMap HeadWeight() const {
    return {parameters_.data() + chain_.head_weight, chain_.pooled_channels,
            chain_.classes};
  }

  void Forward(const ImageView& image) {
    ConstMatrixMap pixels(image.pixels, image.size.pixels(), image.channels);
    ImageSize size = image.size;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const ConvLayer& conv = chain_.convs[i];
      LayerState& state = states_[i];
      state.height = size.height;
      state.width = size.width;
      FillColumns(i, pixels);
      const ConstMatrixMap weight(parameters_.data() + conv.weight,
                                  9 * conv.in_channels, conv.out_channels);
      state.out.noalias() = state.columns * weight;
      state.out.rowwise() +=
          ConstRowMap(parameters_.data() + conv.bias, conv.out_channels);
      state.out = state.out.cwiseMax(0.0f);
      if (conv.pool) {
        MaxPool(state);
        size = {size.height / 2, size.width / 2};
      }
    }
    pooled_ = states_.back().result(chain_.convs.back().pool).colwise().mean();
  }

  void FillColumns(std::size_t layer, const ConstMatrixMap& image) {
    LayerState& state = states_[layer];
    const int channels = chain_.convs[layer].in_channels;
    const Matrix* before =
        layer == 0 ? nullptr
                   : &states_[layer - 1].result(chain_.convs[layer - 1].pool);
    const float* from = before == nullptr ? image.data() : before->data();
    state.columns.setZero(Eigen::Index{state.height} * state.width,
                          9 * channels);
    ForEachTap(state.height, state.width, [&](int row, int tap, int pixel) {
      std::copy_n(from + std::ptrdiff_t{pixel} * channels, channels,
                  &state.columns(row, tap * channels));
    });
  }

  void Backward(const Eigen::RowVectorXf& logits) {
    MatrixMap(gradient_.data() + chain_.head_weight, chain_.pooled_channels,
              chain_.classes)
        .noalias() += pooled_.transpose() * logits;
    RowMap(gradient_.data() + chain_.head_bias, chain_.classes) += logits;
    const LayerState& last = states_.back();
    const Eigen::Index rows = last.result(chain_.convs.back().pool).rows();
    Matrix gradient =
        (logits * HeadWeight().transpose() / static_cast<float>(rows))
            .replicate(rows, 1);
    for (std::size_t i = states_.size(); i-- > 0;) {
      gradient = ConvBackward(i, std::move(gradient));
    }
  }

  // From the gradient behind a layer to that before it.
  Matrix ConvBackward(std::size_t layer, Matrix gradient) {
    const ConvLayer& conv = chain_.convs[layer];
    const LayerState& state = states_[layer];
    if (conv.pool) gradient = PoolBackward(state, gradient);
    gradient = (state.out.array() > 0).select(gradient, 0.0f);
    MatrixMap(gradient_.data() + conv.weight, 9 * conv.in_channels,
              conv.out_channels)
        .noalias() += state.columns.transpose() * gradient;
    RowMap(gradient_.data() + conv.bias, conv.out_channels) +=
        gradient.colwise().sum();
    if (layer == 0) return {};
    const ConstMatrixMap weight(parameters_.data() + conv.weight,
                                9 * conv.in_channels, conv.out_channels);
    columns_gradient_.noalias() = gradient * weight.transpose();
    Matrix before = Matrix::Zero(Eigen::Index{state.height} * state.width,
                                 conv.in_channels);
    ForEachTap(state.height, state.width, [&](int row, int tap, int pixel) {
      before.row(pixel) += columns_gradient_.row(row).segment(
          Eigen::Index{tap} * conv.in_channels, conv.in_channels);
    });
    return before;
  }

  static Matrix PoolBackward(const LayerState& state, const Matrix& gradient) {
    Matrix before = Matrix::Zero(state.out.rows(), state.out.cols());
    for (Eigen::Index i = 0; i < gradient.size(); ++i) {
      before(state.winners[static_cast<std::size_t>(i)], i % gradient.cols()) =
          gradient.data()[i];
    }
    return before;
  }

  LayerChain chain_;
  std::vector<LayerState> states_;
  Eigen::RowVectorXf pooled_;
  Matrix columns_gradient_;
  Parameters parameters_;
  Parameters gradient_;
  Parameters velocity_;
};

StatusOr<std::unique_ptr<TrainingEngine>> MakeEngine(const Workload& workload,
                                                     const nlohmann::json&) {
  FEDGAP_ASSIGN_OR_RETURN(LayerChain chain, LayerChainOf(workload.model()));
  return std::make_unique<EigenEngine>(workload, std::move(chain));
}

}  // namespace
}  // namespace fedgap::bench

int main() { return fedgap::bench::ServeRequests(fedgap::bench::MakeEngine); }
