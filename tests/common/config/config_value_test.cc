#include "common/config/config_value.h"

#include <gtest/gtest.h>

#include <limits>

namespace fedgap {
namespace {

std::string Number(double value) { return ToTomlText({value}); }

TEST(ToTomlTextTest, NumbersReadBackAsNumbers) {
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(16), "16.0");
  EXPECT_EQ(Number(-3), "-3.0");
  EXPECT_EQ(Number(1e-5), "1e-05");
  EXPECT_EQ(Number(1e300), "1e+300");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(Number(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(ToTomlTextTest, EscapesText) {
  EXPECT_EQ(ToTomlText({std::string("a \"b\" \\ \n\t\x01")}),
            R"("a \"b\" \\ \n\t\u0001")");
}

TEST(ToTomlTextTest, WritesListsAndSwitches) {
  EXPECT_EQ(ToTomlText({ConfigList{{std::int64_t{1}}, {std::int64_t{2}}}}),
            "[1, 2]");
  EXPECT_EQ(ToTomlText({ConfigList{}}), "[]");
  EXPECT_EQ(ToTomlText({true}), "true");
}

TEST(ParseConfigTextTest, ReadsByKind) {
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kInteger, false, " 2 ")),
            "2");
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kNumber, false, "1e-3")),
            "0.001");
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kSwitch, false, "true")),
            "true");
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kText, false, "1, 2")),
            "\"1, 2\"");
}

TEST(ParseConfigTextTest, WhatDoesNotReadComesBackAsText) {
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kInteger, false, "2x")),
            "\"2x\"");
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kSwitch, false, "yes")),
            "\"yes\"");
}

TEST(ParseConfigTextTest, ReadsListsWithAndWithoutBrackets) {
  for (const auto text : {"16,24", "[16, 24]", " 16 , 24 "}) {
    EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kInteger, true, text)),
              "[16, 24]");
  }
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kText, true,
                                       R"(["14x14", "28x28"])")),
            R"(["14x14", "28x28"])");
  EXPECT_EQ(ToTomlText(ParseConfigText(ConfigKind::kText, true, "")), "[]");
}

TEST(ConfigRangeTest, OpenAndClosedBounds) {
  EXPECT_TRUE(ConfigRange::AtLeast(1).Contains(1));
  EXPECT_FALSE(ConfigRange::Above(1).Contains(1));
  EXPECT_TRUE(ConfigRange::AboveUpTo(0, 1).Contains(1));
  EXPECT_FALSE(ConfigRange::AboveUpTo(0, 1).Contains(0));
  EXPECT_TRUE(ConfigRange::Below(0, 1).Contains(0));
  EXPECT_FALSE(ConfigRange::Below(0, 1).Contains(1));
  EXPECT_TRUE(ConfigRange::Between(0, 1).Contains(1));
}

TEST(ConfigRangeTest, NeverContainsWhatIsNotFinite) {
  const ConfigRange any;
  EXPECT_TRUE(any.Contains(-1e300));
  EXPECT_FALSE(any.Contains(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(any.Contains(std::numeric_limits<double>::quiet_NaN()));
}

TEST(ConfigRangeTest, SaysWhatItIs) {
  EXPECT_EQ(ConfigRange().ToString(), "");
  EXPECT_EQ(ConfigRange::AtLeast(1).ToString(), ">= 1");
  EXPECT_EQ(ConfigRange::Above(0).ToString(), "> 0");
  EXPECT_EQ(ConfigRange::AboveUpTo(0, 1).ToString(), "in (0, 1]");
  EXPECT_EQ(ConfigRange::Below(0, 1).ToString(), "in [0, 1)");
}

}  // namespace
}  // namespace fedgap
