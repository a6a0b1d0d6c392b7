#include "common/crypto/xxh3.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "common/crypto/sha256.h"

namespace fedgap {
namespace {

std::vector<std::uint8_t> Ramp(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

// XXH3's published values for the empty input (xxHash, doc and tests/sanity).
TEST(Xxh3Test, MatchesThePublishedValuesOfNothing) {
  EXPECT_EQ(Xxh3Of64(BytePieces()), 0x2D06800538D394C2u);
  EXPECT_EQ(ToHex(Xxh3Of128({})), "99aa06d3014798d86001c324468d497f");
}

// Values from the functions that were compiled for any x86-64.
TEST(Xxh3Test, IsTheSameByAnyVectors) {
  const std::vector<std::uint8_t> bytes = Ramp(1 << 20);
  EXPECT_EQ(Xxh3Of64(std::span(bytes).first(1000)), 0xd33dd80b46f60e50u);
  EXPECT_EQ(ToHex(Xxh3Of128(std::span(bytes).first(1000))),
            "076f7e02b7120d2ad33dd80b46f60e50");
  EXPECT_EQ(Xxh3Of64(bytes), 0xd36c0e13a3df139eu);
  EXPECT_EQ(ToHex(Xxh3Of128(bytes)), "1b208d2839093774d36c0e13a3df139e");
}

TEST(Xxh3Test, DoesNotDependOnHowTheBytesAreCut) {
  const std::vector<std::uint8_t> bytes = Ramp(5000);
  Xxh3 checksum;
  checksum.Update({});
  checksum.Update(std::span(bytes).first(17));
  checksum.Update(std::span(bytes).subspan(17, 3000));
  checksum.Update(std::span(bytes).subspan(3017));
  EXPECT_EQ(checksum.Digest(), Xxh3Of128(bytes));
}

TEST(Xxh3Test, SeesOneChangedBit) {
  std::vector<std::uint8_t> bytes = Ramp(1000);
  const std::uint64_t before = Xxh3Of64(bytes);
  bytes[500] ^= 1;
  EXPECT_NE(Xxh3Of64(bytes), before);
}

}  // namespace
}  // namespace fedgap
