#include "bench/engine/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bench/engine/layer_chain.h"
#include "bench/engine/workload.h"
#include "common/nn/engine.h"

namespace fedgap::bench {
namespace {

Workload SmallWorkload(const std::string& model) {
  return {BenchModel(model).value(), {{9, 7}}, /*batch=*/4, /*seed=*/1};
}

// One step's gradient, in bits.
Parameters GradientOf(const Workload& workload, EngineObserver* observer) {
  ThreadPool pool(1);
  GradientEngine engine(workload.model(), pool, {.observer = observer});
  Parameters gradient(workload.parameters().size());
  engine.Compute(workload.parameters(), workload.Batch(0), gradient);
  return gradient;
}

TEST(EngineObserverTest, DoesNotChangeTheGradient) {
  for (const char* name : {"gap-cnn-s", "gap-cnn-gn", "gap-resnet8"}) {
    const Workload workload = SmallWorkload(name);
    PhaseClock clock;
    EXPECT_EQ(GradientOf(workload, &clock), GradientOf(workload, nullptr));
  }
}

TEST(EngineObserverTest, HearsOfEveryPhaseOfAnImage) {
  class Counter : public EngineObserver {
   public:
    void OnPhaseEnd(EnginePhase phase, const Node* node) override {
      ++calls[{node == nullptr ? "" : node->spec.name, phase}];
    }
    std::map<std::pair<std::string, EnginePhase>, int> calls;
  } counter;
  GradientOf(SmallWorkload("gap-cnn-gn"), &counter);
  const auto calls = [&](const std::string& layer, EnginePhase phase) {
    return counter.calls[{layer, phase}];
  };
  EXPECT_EQ(calls("", EnginePhase::kPackWeights), 1);
  EXPECT_EQ(calls("", EnginePhase::kLoadImage), 4);
  EXPECT_EQ(calls("", EnginePhase::kLoss), 4);
  EXPECT_EQ(calls("", EnginePhase::kCollectGradient), 1);
  EXPECT_EQ(calls("conv2", EnginePhase::kForward), 4);
  EXPECT_EQ(calls("conv2", EnginePhase::kWeightGradient), 4);
  EXPECT_EQ(calls("conv2", EnginePhase::kInputGradient), 4);
  EXPECT_EQ(calls("norm2", EnginePhase::kInputGradient), 4);
  EXPECT_EQ(calls("head", EnginePhase::kBiasGradient), 4);
  // The image needs no gradient, and a fused ReLU is no phase.
  EXPECT_EQ(calls("conv1", EnginePhase::kInputGradient), 0);
  EXPECT_EQ(calls("relu1", EnginePhase::kForward), 0);
}

TEST(PhaseClockTest, CountsEveryCallAsTheMedianOfItsPhase) {
  PhaseClock clock;
  clock.Skip();
  for (int i = 0; i < 3; ++i) {
    clock.OnPhaseEnd(EnginePhase::kLoss, nullptr);
  }
  const auto seconds = clock.Seconds();
  ASSERT_EQ(seconds.size(), 1u);
  EXPECT_GE(seconds.begin()->second, 0);
  EXPECT_LT(seconds.begin()->second, 1);
}

TEST(ProfileTest, FlopsOfAllPhasesAreThoseOfATrainingStep) {
  const Workload workload = SmallWorkload("gap-resnet8");
  const Model& model = workload.model();
  const ImageSize size{9, 7};
  PhaseClock clock;
  GradientOf(workload, &clock);
  const std::vector<ImageSize> sizes = *model.NodeSizes(size);
  double flops = 0;
  for (const auto& [key, seconds] : clock.Seconds()) {
    const auto& [node, phase] = key;
    if (node == nullptr) continue;
    const int input = node->inputs[0];
    flops +=
        WorkOf(phase, *node,
               input == Model::kImage ? size
                                      : sizes[static_cast<std::size_t>(input)],
               sizes[static_cast<std::size_t>(node - model.nodes().data())])
            .flops;
  }
  EXPECT_EQ(flops, static_cast<double>(model.TrainingFlops(size)));
}

TEST(ProfileTest, CountsEachOperandOnce) {
  const auto model = BenchModel("gap-cnn-s").value();
  const Node& conv2 = model->nodes()[3];
  ASSERT_EQ(conv2.spec.name, "conv2");
  // 5x4 pixels, 16 and 32 channels, 3x3 taps.
  const PhaseWork work = WorkOf(EnginePhase::kForward, conv2, {5, 4}, {5, 4});
  EXPECT_EQ(work.flops, 2.0 * 20 * 9 * 16 * 32);
  EXPECT_EQ(work.bytes, 4.0 * (20 * 16 + 20 * 32 + 9 * 16 * 32));
}

TEST(ProfileTest, CountsTheWinnersOfAPoolBehindANorm) {
  const auto model = BenchModel("gap-cnn-gn").value();
  const auto norm = std::ranges::find_if(model->nodes(), [](const Node& node) {
    return node.spec.name == "norm2";
  });
  ASSERT_NE(norm, model->nodes().end());
  // 6x4 pixels of 32 channels; a pixel of four remains, with its place and
  // what it was before the norm.
  const auto bytes = [&](EnginePhase phase, ImageSize out) {
    return WorkOf(phase, *norm, {6, 4}, out).bytes;
  };
  const double map = 4.0 * 6 * 4 * 32;
  EXPECT_EQ(bytes(EnginePhase::kForward, {6, 4}), 2 * map);
  EXPECT_EQ(bytes(EnginePhase::kForward, {3, 2}), map + 3 * map / 4);
  EXPECT_EQ(bytes(EnginePhase::kInputGradient, {3, 2}), 2 * map + 3 * map / 4);
}

TEST(WorkloadTest, ArrivesInAnotherProcessAsItWas) {
  const Workload sent(BenchModel("gap-cnn-m").value(), {{9, 7}, {5, 6}}, 4, 3);
  const std::string file = testing::TempDir() + "/workload_test";
  const auto received = Workload::FromJson(*sent.ToJson(file)).value();
  EXPECT_EQ(received->parameters(), sent.parameters());
  ASSERT_EQ(received->examples().size(), sent.examples().size());
  for (std::size_t i = 0; i < sent.examples().size(); ++i) {
    const ImageView a = sent.examples()[i].image;
    const ImageView b = received->examples()[i].image;
    EXPECT_EQ(a.size, b.size);
    EXPECT_TRUE(std::equal(a.pixels, a.pixels + a.size.pixels() * a.channels,
                           b.pixels));
  }
}

TEST(WorkloadTest, DrawsAsManySizesAsTheTrafficSignsHave) {
  const std::vector<ImageSize> sizes = DrawnSignSizes();
  EXPECT_EQ(sizes.size(), 748u);
  EXPECT_EQ(std::set<ImageSize>(sizes.begin(), sizes.end()).size(), 748u);
}

TEST(LayerChainTest, TakesPlainChainsOnly) {
  const LayerChain chain =
      LayerChainOf(*BenchModel("gap-cnn-m").value()).value();
  ASSERT_EQ(chain.convs.size(), 5u);
  EXPECT_TRUE(chain.convs[1].pool);
  EXPECT_FALSE(chain.convs[2].pool);
  EXPECT_EQ(chain.pooled_channels, 128);
  EXPECT_EQ(LayerChainOf(*BenchModel("gap-cnn-gn").value()).status().code(),
            absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace fedgap::bench
