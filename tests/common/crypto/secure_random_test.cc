#include "common/crypto/secure_random.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace fedgap {
namespace {

TEST(SecureRandomTest, FillsEveryByte) {
  // A byte that is never written stays 0 in all 32 draws; a fair one does so
  // with probability 2^-256.
  std::vector<int> seen(300, 0);
  for (int draw = 0; draw < 32; ++draw) {
    std::vector<std::uint8_t> bytes(300, 0);
    FillRandom(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) seen[i] |= bytes[i];
  }
  for (const int bits : seen) EXPECT_NE(bits, 0);
}

TEST(SecureRandomTest, DoesNotRepeat) {
  std::set<std::uint64_t> values;
  for (int i = 0; i < 1000; ++i) values.insert(RandomUint64());
  EXPECT_EQ(values.size(), 1000u);
}

TEST(SecureRandomTest, AcceptsNothingToFill) { FillRandom({}); }

}  // namespace
}  // namespace fedgap
