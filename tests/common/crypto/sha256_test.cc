#include "common/crypto/sha256.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

// The examples of FIPS 180-2, appendix B (kept by FIPS 180-4 as NIST's
// "Secure Hashing" example files), and the empty message of NIST's CAVP.
struct Vector {
  std::string message;
  const char* digest;
};

std::vector<Vector> FipsVectors() {
  return {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1000000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
}

TEST(Sha256Test, MatchesTheFipsVectors) {
  for (const Vector& vector : FipsVectors()) {
    EXPECT_EQ(ToHex(Sha256Of(vector.message)), vector.digest);
  }
}

TEST(Sha256Test, DoesNotDependOnHowTheBytesAreCut) {
  const std::string message = FipsVectors()[3].message;
  for (const std::size_t piece : {1ul, 63ul, 64ul, 65ul, 4096ul}) {
    Sha256 hash;
    const std::size_t length = piece == 1 ? 1000 : message.size();
    for (std::size_t at = 0; at < length; at += piece) {
      hash.Update(
          std::string_view(message).substr(at, std::min(piece, length - at)));
    }
    EXPECT_EQ(hash.Finish(), Sha256Of(message.substr(0, length))) << piece;
  }
}

TEST(Sha256Test, StartsAnewAfterFinish) {
  Sha256 hash;
  hash.Update("something else");
  hash.Finish();
  hash.Update("abc");
  EXPECT_EQ(hash.Finish(), Sha256Of("abc"));
  EXPECT_EQ(hash.Finish(), Sha256Of(""));
}

TEST(Sha256Test, MovesWithItsState) {
  Sha256 hash;
  hash.Update("ab");
  Sha256 moved = std::move(hash);
  moved.Update("c");
  EXPECT_EQ(moved.Finish(), Sha256Of("abc"));
}

TEST(Sha256HexTest, ReadsWhatToHexWrote) {
  const Sha256Digest digest = Sha256Of("abc");
  ASSERT_OK_AND_ASSIGN(const Sha256Digest read, ParseSha256Hex(ToHex(digest)));
  EXPECT_EQ(read, digest);
}

TEST(Sha256HexTest, ReadsUpperCase) {
  std::string text = ToHex(Sha256Of("abc"));
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  ASSERT_OK_AND_ASSIGN(const Sha256Digest read, ParseSha256Hex(text));
  EXPECT_EQ(read, Sha256Of("abc"));
}

TEST(Sha256HexTest, RefusesWrongLengthsAndDigits) {
  EXPECT_THAT(ParseSha256Hex(""), Fails(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("0 characters")));
  EXPECT_THAT(ParseSha256Hex(std::string(63, 'a')),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseSha256Hex(std::string(63, 'a') + "g"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("63 or 64")));
}

}  // namespace
}  // namespace fedgap
