#include "cli/csv_row.h"

#include <gtest/gtest.h>

#include <limits>

namespace fedgap {
namespace {

TEST(CsvRowTest, QuotesWhatWouldBreakTheRow) {
  EXPECT_EQ(CsvRow().Text("plain").Text("a,b").Text("say \"x\"").Line(),
            "plain,\"a,b\",\"say \"\"x\"\"\"\n");
  EXPECT_EQ(CsvRow().Text("two\nlines").Text("cr\rlf").Line(),
            "\"two\nlines\",\"cr\rlf\"\n");
  EXPECT_EQ(CsvRow().Text("").Text("").Line(), ",\n");
}

TEST(CsvRowTest, NoTextIsAFormula) {
  EXPECT_EQ(CsvRow().Text("=1+1").Text("+1").Text("-1").Text("@x").Line(),
            "'=1+1,'+1,'-1,'@x\n");
  EXPECT_EQ(CsvRow().Text("\t=1").Text("\r=1").Line(), "'\t=1,\"'\r=1\"\n");
  EXPECT_EQ(CsvRow().Text("=HYPERLINK(\"x\",\"y\")").Line(),
            "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\n");
}

TEST(CsvRowTest, NumbersReadBackAsTheyWere) {
  EXPECT_EQ(CsvRow().Number(0.1).Number(-2.5e-300).Number(3).Line(),
            "0.1,-2.5e-300,3\n");
  EXPECT_EQ(CsvRow().Integer(-7).Unsigned(~std::uint64_t{0}).Line(),
            "-7,18446744073709551615\n");
}

TEST(CsvRowTest, WhatIsNoNumberIsEmpty) {
  EXPECT_EQ(CsvRow()
                .Number(std::nullopt)
                .Number(std::numeric_limits<double>::quiet_NaN())
                .Number(std::numeric_limits<double>::infinity())
                .Line(),
            ",,\n");
}

}  // namespace
}  // namespace fedgap
