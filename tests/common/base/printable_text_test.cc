#include "common/base/printable_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace fedgap {
namespace {

// UTF-8 of a code point, by another way than the code under test.
std::string Encoded(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) {
    return std::string(1, static_cast<char>(value));
  };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    return byte(0xC0 + point / 64) + byte(0x80 + point % 64);
  }
  if (point < 0x10000) {
    return byte(0xE0 + point / 4096) + byte(0x80 + point / 64 % 64) +
           byte(0x80 + point % 64);
  }
  return byte(0xF0 + point / 262144) + byte(0x80 + point / 4096 % 64) +
         byte(0x80 + point / 64 % 64) + byte(0x80 + point % 64);
}

bool IsRefused(std::uint32_t point) {
  const std::uint32_t ranges[][2] = {
      {0x00, 0x1F},     {0x7F, 0x9F},     {0x61C, 0x61C},  {0x200E, 0x200F},
      {0x2028, 0x2029}, {0x202A, 0x202E}, {0x2066, 0x2069}};
  for (const auto& [first, last] : ranges) {
    if (point >= first && point <= last) return true;
  }
  return point >= 0xD800 && point <= 0xDFFF;  // surrogates are no characters
}

TEST(PrintableTextTest, RefusesTheseCharactersOfUnicodeAndNoOthers) {
  for (std::uint32_t point = 0; point < 0x110000; ++point) {
    const std::string text = Encoded(point);
    ASSERT_EQ(IsPrintableUtf8(text), !IsRefused(point)) << std::hex << point;
    const std::string made = MakePrintable("a" + text + "z");
    if (!IsRefused(point)) {
      ASSERT_EQ(made, "a" + text + "z") << std::hex << point;
    } else {
      ASSERT_TRUE(IsPrintableUtf8(made)) << std::hex << point;
    }
  }
}

TEST(PrintableTextTest, ReplacesWhatSteersATerminalOrForgesALine) {
  EXPECT_EQ(MakePrintable("a\x1B[2Jb\nc\tz"), "a?[2Jb?c?z");
  EXPECT_EQ(MakePrintable("a\xC2\x9B"
                          "2Jz"),
            "a?2Jz")
      << "CSI as one character of C1";
  EXPECT_EQ(MakePrintable("a\u202Ez\u2069\u200F"), "a?z??");
  EXPECT_EQ(MakePrintable("a\u2028\u2029z", {.control = " "}), "a  z");
  EXPECT_EQ(MakePrintable("größer \u65e5\u672c \U0001F600"),
            "größer \u65e5\u672c \U0001F600");
}

TEST(PrintableTextTest, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(MakePrintable("a\x9B\xFFz"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(MakePrintable("a\xE2\x80"), "a\uFFFD\uFFFD") << "cut off";
  EXPECT_EQ(MakePrintable("\xC0\xAF", {.damage = "?"}), "??") << "overlong";
  EXPECT_FALSE(IsPrintableUtf8("\xF5\x80\x80\x80"));
  EXPECT_FALSE(IsPrintableUtf8("\x80"));
}

TEST(PrintableTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(MakePrintable("abü", {.max_bytes = 4}), "abü");
  EXPECT_EQ(MakePrintable("abü", {.max_bytes = 3}), "ab");
  EXPECT_EQ(MakePrintable("abcdef", {.max_bytes = 5, .ellipsis = "..."}),
            "ab...");
  EXPECT_EQ(MakePrintable("abcde", {.max_bytes = 5, .ellipsis = "..."}),
            "abcde");
  EXPECT_EQ(MakePrintable("\xFF\xFF", {.max_bytes = 5}), "\uFFFD")
      << "what it grows to counts";
  EXPECT_EQ(MakePrintable("", {.max_bytes = 0}), "");
}

}  // namespace
}  // namespace fedgap
