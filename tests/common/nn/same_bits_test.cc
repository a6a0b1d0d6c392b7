// The promise of engine.h: the same bits on every CPU with fused multiply-add,
// for any number of threads, in either precision. The digests below were taken
// once; AVX2, AVX-512 and NEON (./run test --arm64) must all give them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "common/crypto/sha256.h"
#include "common/nn/engine.h"
#include "common/nn/kernels/isa.h"
#include "common/nn/model_spec.h"
#include "common/nn/sgd.h"
#include "tests/common/nn/test_networks.h"

namespace fedgap {
namespace {

constexpr int kSteps = 100;

struct Golden {
  std::string network;  // of TestNetworks or a built-in model of width 8
  std::string digest;
  Precision precision = Precision::kFloat32;
};

void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.network << ", " << ToString(golden.precision);
}

const Golden kGolden[] = {
    {"ConvReluMaxPool",
     "b04759eeefd7998f345a93c18115558b4bf8a8dbf6b9cab32882f43b2f12612d"},
    {"ConvReluConv",
     "14ebb7dd7aa80ca8e716a75fd5e571a9d92d37d918158b05e4937c3ad242176a"},
    {"GroupNormReluAvgPool",
     "1f185857118fe224dac5af67a687ca6a84739453d55a2bc44990e97d3123c672"},
    {"GroupNormMaxPool",
     "a57af2c7d4c83acfd594161db16fb6d9a23012efc864ae4af77e4c1c7f001e2b"},
    {"PooledResidual",
     "668a74a1c740806c4bebd0676b926f3e83fe8f1153613dca7e7e70c094209186"},
    {"Residual",
     "65ff505272ed6e9ccecccf311cb56f90b0daaf421ec3896afaaf88b4575e14c6"},
    {"GroupsAndDilation",
     "ce99be7a1a3ee48aa3b8e07b08068693ebe9b9ae67050982069f82e7028ea19c"},
    {"PoolFirstAndSharedRelu",
     "7e111b8faf0b660040e99ee99fff11d1f3f955aa3a5d4fbcb763f0872e05629a"},
    {"gap-cnn-s",
     "2af3795c3fa4b3fceced88c8263126154d7ebd43677e5e9de931a2977667c9b5"},
    {"gap-cnn-gn",
     "41a42636572a8847b50ea37ace1852345f3d6016556a41bdaacec71c14dbbf8e"},
    {"gap-cnn-m",
     "8f283a0741f11c01fb226fd111176073a42129aeb563e253057fb0f69cc07e9c"},
    {"gap-resnet8",
     "3286c6c5daba712287474d681adbbee57c720523f1a9d5a4ddc74a5da963cce8"},
    {"gap-cnn-gn",
     "f43b56d4a3256d6ffc103a33f5c3c9fc7e28b6cbcaf87de1e3f7695f549f0c54",
     Precision::kBfloat16},
    {"gap-cnn-m",
     "a4b8c893a4c0eb496119fbf08bc20b543ab3b58169dceaa9e3bdeefc8a8b32d7",
     Precision::kBfloat16},
    {"gap-resnet8",
     "07609dcdf254f63f5b7baf5af0a295779a4454e34c03eda76926ed8dbe6589d3",
     Precision::kBfloat16},
};

ModelSpec SpecOf(const std::string& network) {
  for (auto& [name, spec] : TestNetworks()) {
    if (name == network) return spec;
  }
  return *BuiltInModel(network, {.width = 8});
}

void AddTo(Sha256& digest, std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  digest.Update(
      {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

// The digest of logits, pooled vectors, a first gradient and the parameters
// after 100 steps of momentum SGD on images of eight sizes.
std::string TrainingDigest(const ModelSpec& spec, Precision precision,
                           kernels::Isa isa, int threads) {
  const auto model = Model::Create(spec);
  EXPECT_TRUE(model.ok()) << model.status();
  const TestImages images(**model, {{9, 9},
                                    {16, 11},
                                    {13, 8},
                                    {10, 17},
                                    {8, 8},
                                    {14, 14},
                                    {12, 9},
                                    {9, 15}});
  ThreadPool pool(threads);
  Parameters parameters = (*model)->InitialParameters(1);
  Sha256 digest;

  InferenceEngine inference(**model, pool, isa);
  inference.Load(parameters);
  const auto count = images.views().size();
  Parameters logits(count * static_cast<std::size_t>(spec.classes));
  Parameters pooled(count *
                    static_cast<std::size_t>((*model)->pooled_channels()));
  inference.Run(images.views(), logits, pooled);
  AddTo(digest, logits);
  AddTo(digest, pooled);

  GradientEngine engine(**model, pool,
                        {.shards = 4, .isa = isa, .precision = precision});
  Sgd sgd(parameters.size(), {.weight_decay = 1e-4f, .isa = isa});
  Parameters gradient(parameters.size());
  for (int step = 0; step < kSteps; ++step) {
    engine.Compute(parameters, images.examples(), gradient);
    if (step == 0) AddTo(digest, gradient);
    sgd.Step(0.02f, gradient, parameters);
  }
  AddTo(digest, parameters);
  return ToHex(digest.Finish());
}

class SameBitsTest : public ::testing::TestWithParam<Golden> {};

TEST_P(SameBitsTest, HoldOnEveryFusedInstructionSetForAnyThreads) {
  const ModelSpec spec = SpecOf(GetParam().network);
  std::string compared;
  for (const kernels::Isa isa : kernels::SupportedIsas()) {
    if (!kernels::HasPortableBits(isa)) continue;
    compared += fmt::format(" {}", kernels::ToString(isa));
    for (const int threads : {1, 2}) {
      EXPECT_EQ(TrainingDigest(spec, GetParam().precision, isa, threads),
                GetParam().digest)
          << kernels::ToString(isa) << ", " << threads << " threads";
    }
  }
  if (compared.empty()) GTEST_SKIP() << "this CPU has no fused multiply-add";
  // For who reads a log: which of them this CPU did not have.
  fmt::print("compared:{}\n", compared);
}

INSTANTIATE_TEST_SUITE_P(, SameBitsTest, ::testing::ValuesIn(kGolden),
                         [](const auto& golden) {
                           std::string name = golden.param.network;
                           std::erase(name, '-');
                           if (golden.param.precision != Precision::kFloat32) {
                             name += "Mixed";
                           }
                           return name;
                         });

}  // namespace
}  // namespace fedgap
