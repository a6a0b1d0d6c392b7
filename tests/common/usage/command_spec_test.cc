#include "common/usage/command_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/common/usage/sample_app.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The option with this name; fails without one.
ArgumentSpec OptionOf(const CommandSpec& command, const std::string& name) {
  const auto found =
      std::ranges::find_if(command.options, [&name](const ArgumentSpec& each) {
        return std::ranges::find(each.names, name) != each.names.end();
      });
  EXPECT_NE(found, command.options.end()) << name;
  return found == command.options.end() ? ArgumentSpec{} : *found;
}

TEST(CommandSpecTest, HoldsTheTreeOfCommands) {
  const CommandSpec tool = DescribeCommand(SampleApp().app);
  EXPECT_EQ(tool.full_name, "sample-tool");
  ASSERT_EQ(tool.subcommands.size(), 2U);
  EXPECT_EQ(tool.subcommands[0].full_name, "sample-tool logs");
  ASSERT_EQ(tool.subcommands[1].subcommands.size(), 2U);
  EXPECT_EQ(tool.subcommands[1].subcommands[1].full_name,
            "sample-tool certs init");
}

TEST(CommandSpecTest, SaysWhatEachValueIs) {
  const CommandSpec logs = DescribeCommand(SampleApp().app).subcommands[0];
  ASSERT_EQ(logs.arguments.size(), 1U);
  EXPECT_EQ(logs.arguments[0].kind, ValueKind::kRun);
  EXPECT_THAT(logs.arguments[0].names, ElementsAre("run"));
  EXPECT_TRUE(logs.arguments[0].required);

  const ArgumentSpec level = OptionOf(logs, "--level");
  EXPECT_EQ(level.kind, ValueKind::kChoice);
  EXPECT_THAT(level.choices, ElementsAre("debug", "info"));
  EXPECT_EQ(OptionOf(logs, "--out").kind, ValueKind::kFile);
  EXPECT_THAT(OptionOf(logs, "-o").names, ElementsAre("-o", "--out"));
  EXPECT_EQ(OptionOf(logs, "--data").kind, ValueKind::kData);
  EXPECT_TRUE(OptionOf(logs, "--client").repeats);
  EXPECT_FALSE(OptionOf(logs, "--out").repeats);
}

TEST(CommandSpecTest, TellsATypesColonFromAValidators) {
  const CommandSpec logs = DescribeCommand(SampleApp().app).subcommands[0];
  EXPECT_EQ(OptionOf(logs, "--server").value, "HOST:PORT");
  EXPECT_EQ(OptionOf(logs, "--tail").value, "INT");
  EXPECT_EQ(OptionOf(logs, "--tail").range, "in [1 - 9]");
}

TEST(CommandSpecTest, FlagsHaveNoValueAndHiddenOptionsNoPlace) {
  const CommandSpec logs = DescribeCommand(SampleApp().app).subcommands[0];
  EXPECT_THAT(OptionOf(logs, "--follow").value, IsEmpty());
  EXPECT_TRUE(std::ranges::none_of(logs.options, [](const ArgumentSpec& each) {
    return each.names == std::vector<std::string>{"--secret"};
  }));
}

}  // namespace
}  // namespace fedgap
