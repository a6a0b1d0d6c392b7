#include "common/federation/model_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "common/tensor/parameters.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

// Every expected digest is from Python's hashlib over the bytes that
// docs/PROTOCOL.md describes.
constexpr char kLayoutHex[] =
    "4cec3cd8878b9a16ce8739442a099f6fd052415d00f9d681b7e2425b9deca996";

Layout ThreeWeights() { return Layout::Create({{"w", {3}}}).value(); }

TEST(LayoutHashTest, IsTheDigestOfTheCanonicalText) {
  EXPECT_EQ(ToHex(LayoutHash(ThreeWeights())), kLayoutHex);
}

TEST(ModelIdTest, HashesLayoutHashAndChunkDigests) {
  const Sha256Digest layout = LayoutHash(ThreeWeights());
  const std::vector<float> parameters = {1, -2, 0.5};
  const ModelDigest digest = DigestModel(layout, parameters);
  EXPECT_EQ(digest.chunks.size(), 1u);
  EXPECT_EQ(ToHex(digest.id),
            "acb0e7250aac45257e96cd92db0ea3edeeb1e61f2bcb354c8e9d92382812a420");
}

TEST(ModelIdTest, CutsChunksOfOneMebibyte) {
  const Sha256Digest layout = LayoutHash(ThreeWeights());
  Parameters parameters(262144 + 3);
  std::iota(parameters.begin(), parameters.end(), 0.0f);
  const ModelDigest digest = DigestModel(layout, parameters);
  EXPECT_EQ(digest.chunks.size(), 2u);
  EXPECT_EQ(ToHex(digest.id),
            "6dfb65ad2a8112059f4b1e8b15e85c9b61978c72da8585f1e4b861f403001a16");
  EXPECT_EQ(ModelIdOf(layout, digest.chunks), digest.id);
  ThreadPool pool(2);
  EXPECT_EQ(DigestModel(layout, parameters, pool).id, digest.id);
}

TEST(ModelIdTest, AModelWithoutParametersHasNoChunks) {
  const ModelDigest digest = DigestModel(LayoutHash(ThreeWeights()), {});
  EXPECT_TRUE(digest.chunks.empty());
  EXPECT_EQ(ToHex(digest.id),
            "9e6155746b9added3151ec487dd86a99e0415610c47aa9af9ffec961dd860825");
}

TEST(ModelIdTest, DependsOnTheSignOfZero) {
  const Sha256Digest layout = LayoutHash(ThreeWeights());
  const std::vector<float> plus = {0.0f}, minus = {-0.0f};
  EXPECT_NE(DigestModel(layout, plus).id, DigestModel(layout, minus).id);
}

TEST(ModelIdTest, HexRoundTrips) {
  const ModelId id = DigestModel(LayoutHash(ThreeWeights()), {}).id;
  ASSERT_OK_AND_ASSIGN(const ModelId parsed, ParseModelId(ToHex(id)));
  EXPECT_EQ(parsed, id);
}

TEST(ModelIdTest, RefusesOtherText) {
  EXPECT_THAT(ParseModelId("abc"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("model id")));
}

}  // namespace
}  // namespace fedgap
