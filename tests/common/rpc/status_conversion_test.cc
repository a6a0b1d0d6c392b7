#include "common/rpc/status_conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::EndsWith;
using ::testing::Le;

TEST(StatusConversionTest, KeepsEveryCodeAndTheMessageBothWays) {
  for (int code = 1; code <= 16; ++code) {
    const Status status(static_cast<absl::StatusCode>(code), "why");
    const grpc::Status sent = ToGrpcStatus(status);
    EXPECT_EQ(static_cast<int>(sent.error_code()), code);
    EXPECT_EQ(FromGrpcStatus(sent), status);
  }
}

TEST(StatusConversionTest, KeepsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_OK(FromGrpcStatus(grpc::Status::OK));
}

TEST(StatusConversionTest, MapsAForeignCodeToUnknown) {
  for (const int code : {17, 20, -1}) {
    const grpc::Status foreign(static_cast<grpc::StatusCode>(code), "x");
    EXPECT_THAT(FromGrpcStatus(foreign), HasCode(absl::StatusCode::kUnknown));
  }
}

TEST(SanitizeMessageTest, LeavesGoodTextAlone) {
  const std::string text = "gr\u00fc\u00df \u20ac \U0001F600 ok";
  EXPECT_EQ(SanitizeMessage(text), text);
  EXPECT_EQ(SanitizeMessage(""), "");
}

TEST(SanitizeMessageTest, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(SanitizeMessage("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(SanitizeMessage("a\xC3"), "a\uFFFD");
  const std::string overlong = SanitizeMessage("\xC0\xAF");
  EXPECT_EQ(overlong, "\uFFFD\uFFFD");
  const std::string surrogate = SanitizeMessage("\xED\xA0\x80");
  EXPECT_EQ(surrogate, "\uFFFD\uFFFD\uFFFD");
  const std::string above_the_last = SanitizeMessage("\xF4\x90\x80\x80");
  EXPECT_EQ(above_the_last, "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(SanitizeMessageTest, ReplacesControlCharacters) {
  EXPECT_EQ(SanitizeMessage("a\nb\x1b[2J\x7f"), "a b [2J ");
  EXPECT_EQ(SanitizeMessage("a\xC2\x9Bz"), "a z");  // C1: CSI
  EXPECT_EQ(SanitizeMessage("a\u202Ez\u2028"), "a z ");
  EXPECT_EQ(SanitizeMessage(std::string_view("a\0b", 3)), "a b");
}

TEST(SanitizeMessageTest, CutsLongTextBetweenCharacters) {
  std::string text;
  while (text.size() < 3 * kMaxStatusMessageBytes) text += "\u20ac";
  const std::string cut = SanitizeMessage(text);
  EXPECT_THAT(cut.size(), Le(kMaxStatusMessageBytes));
  EXPECT_THAT(cut, EndsWith("\u20ac..."));
  // The receiver does not cut once more what the sender has cut.
  EXPECT_TRUE(SanitizeMessage(cut) == cut);
}

TEST(SanitizeMessageTest, LeavesATextOfTheLimitAlone) {
  const std::string text(kMaxStatusMessageBytes, 'x');
  EXPECT_TRUE(SanitizeMessage(text) == text);
  EXPECT_THAT(SanitizeMessage(text + "x"), EndsWith("x..."));
}

TEST(SanitizeMessageTest, CutsATextOfBadBytesToo) {
  EXPECT_THAT(SanitizeMessage(std::string(10000, '\xFF')).size(),
              Le(kMaxStatusMessageBytes));
}

}  // namespace
}  // namespace fedgap
