#include "common/nn/other_bits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedgap {
namespace {

using kernels::Isa;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(OtherBitsTest, FusedMultiplyAddIsNotTalkedAbout) {
  for (const Isa isa :
       {Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16, Isa::kNeon}) {
    EXPECT_EQ(OtherBits(isa), "");
  }
}

TEST(OtherBitsTest, WithoutItTheInstructionSetIsNamed) {
  for (const Isa isa : {Isa::kScalar, Isa::kSse4}) {
    EXPECT_THAT(OtherBits(isa), AllOf(HasSubstr("no fused multiply-add"),
                                      HasSubstr(kernels::ToString(isa))));
    EXPECT_TRUE(TellsOfOtherBits(OtherBits(isa)));
  }
  EXPECT_FALSE(TellsOfOtherBits("the disk is nearly full"));
}

TEST(OtherBitsTest, TheBestOfThisCpuCountsIfNoneIsGiven) {
  EXPECT_EQ(OtherBits(), OtherBits(kernels::BestIsa()));
}

}  // namespace
}  // namespace fedgap
