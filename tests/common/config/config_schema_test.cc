#include "common/config/config_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

enum class Color { kRed, kGreen };
std::string_view ToString(Color color) {
  return color == Color::kRed ? "red" : "green";
}

struct Settings {
  int count = 3;
  std::int64_t large = 7;
  double share = 0.5;
  bool on = false;
  std::string title = "none";
  std::vector<double> levels;
  Color color = Color::kRed;
};

class ConfigSchemaTest : public ::testing::Test {
 protected:
  ConfigSchemaTest() {
    schema_.Section("main", "The main things.")
        .Integer("count", &settings_.count, ConfigRange::AtLeast(1), "of them")
        .Integer("large", &settings_.large, ConfigRange(), "number")
        .Number("share", &settings_.share, ConfigRange::AboveUpTo(0, 1),
                "of all");
    schema_.Section("look", "How it looks.")
        .Switch("on", &settings_.on, "whether it is on")
        .Text("title", &settings_.title, "on top")
        .Numbers("levels", &settings_.levels, ConfigRange::Above(0), "in dB")
        .Choice("color", &settings_.color, {Color::kRed, Color::kGreen},
                "of the front");
    schema_.IgnoreSection("other");
  }

  Status LoadText(std::string text) {
    return schema_.Load({"a.toml", std::move(text), {}, {}});
  }

  Settings settings_;
  ConfigSchema schema_;
};

TEST_F(ConfigSchemaTest, ReadsEveryKind) {
  ASSERT_OK(LoadText(R"(
[main]
count = 5
large = 9_000_000_000
share = 1
[look]
on = true
title = "a # b"
levels = [1, 2.5]
color = "green"
)"));
  EXPECT_EQ(settings_.count, 5);
  EXPECT_EQ(settings_.large, 9'000'000'000);
  EXPECT_EQ(settings_.share, 1.0);
  EXPECT_TRUE(settings_.on);
  EXPECT_EQ(settings_.title, "a # b");
  EXPECT_EQ(settings_.levels, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(settings_.color, Color::kGreen);
}

TEST_F(ConfigSchemaTest, KeepsDefaultsOfWhatIsNotGiven) {
  ASSERT_OK(LoadText("[main]\nshare = 0.25\n"));
  EXPECT_EQ(settings_.count, 3);
  EXPECT_EQ(settings_.share, 0.25);
  EXPECT_OK(LoadText(""));
}

TEST_F(ConfigSchemaTest, DottedKeysAndInlineTablesAreTheSame) {
  ASSERT_OK(LoadText("main.count = 8\nlook = { on = true }\n"));
  EXPECT_EQ(settings_.count, 8);
  EXPECT_TRUE(settings_.on);
}

TEST_F(ConfigSchemaTest, FlagWinsOverEnvironmentOverFile) {
  ASSERT_OK(schema_.Load({"a.toml",
                          "[main]\ncount = 10\nlarge = 10\nshare = 0.1\n",
                          {{"FEDGAP_MAIN__COUNT", "20"},
                           {"FEDGAP_MAIN__LARGE", "20"},
                           {"FEDGAP_LOOK__LEVELS", "1,2"},
                           {"FEDGAP_REGENERATE", "1"},
                           {"HOME", "x__y"}},
                          {"main.count=30", "look.title=a=b"}}));
  EXPECT_EQ(settings_.count, 30);
  EXPECT_EQ(settings_.large, 20);
  EXPECT_EQ(settings_.share, 0.1);
  EXPECT_EQ(settings_.title, "a=b");
  EXPECT_EQ(settings_.levels, (std::vector<double>{1, 2}));
}

TEST_F(ConfigSchemaTest, ErrorsNameFileLineColumnAndRange) {
  EXPECT_THAT(LoadText("[main]\nshare = 1.5\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    "a.toml:2:9: main.share = 1.5: must be in (0, 1]"));
}

TEST_F(ConfigSchemaTest, UnknownKeysGetASuggestion) {
  EXPECT_THAT(LoadText("[main]\n\ncuont = 1\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    "a.toml:3:1: unknown key 'main.cuont'; did you mean "
                    "'count'?"));
  EXPECT_THAT(LoadText("count = 1\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    "a.toml:1:1: unknown key 'count'; did you mean "
                    "'main.count'?"));
  EXPECT_THAT(LoadText("[main]\ntitle = 'x'\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("did you mean 'look.title'?")));
  EXPECT_THAT(LoadText("[main]\nzzzzzz = 'x'\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("[main] has count, large, share")));
}

TEST_F(ConfigSchemaTest, UnknownSectionsAreReportedOnce) {
  EXPECT_THAT(LoadText("[mian]\ncount = 1\nshare = 2\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    "a.toml:1:2: unknown section [mian]; did you mean "
                    "'main'?"));
  EXPECT_THAT(LoadText("[network]\n"), Fails(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("known: main, look")));
}

TEST_F(ConfigSchemaTest, WrongTypesSayWhatIsWanted) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"[main]\ncount = 1.5", "main.count = 1.5: must be an integer"},
      {"[main]\ncount = 0", "must be >= 1"},
      {"[main]\ncount = 3000000000", "must be at most 2147483647"},
      {"[main]\nshare = 'half'", "must be a number"},
      {"[main]\nshare = nan", "must be in (0, 1]"},
      {"[look]\non = 1", "must be true or false"},
      {"[look]\ntitle = 1", "must be a \"text\""},
      {"[look]\nlevels = 1", "must be a [list] of numbers"},
      {"[look]\nlevels = [1, -1]", "must be > 0"},
      {"[look]\nlevels = ['a']", "must be a number"},
      {"[look]\ncolor = 'grene'", "did you mean 'green'?"},
      {"[look]\ncolor = 1", "must be one of red, green"},
      {"[look]\ntitle = 1979-05-27", "dates, times and tables"},
      {"[look]\nlevels = [{a = 1}]", "dates, times and tables"},
      {"[main.count]\na = 1", "main.count is a key, not a section"},
      {"main = 3", "unknown key 'main'"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(LoadText(test.text), Fails(absl::StatusCode::kInvalidArgument,
                                           HasSubstr(test.message)))
        << test.text;
  }
}

TEST_F(ConfigSchemaTest, ReportsSeveralMistakesInTheOrderOfTheFile) {
  EXPECT_THAT(
      schema_.Load({"a.toml",
                    "[main]\nshare = 2\ncount = 0\n",
                    {{"FEDGAP_MAIN__LARGE", "many"}},
                    {"main.nothing=1", "main.count"}}),
      Fails(absl::StatusCode::kInvalidArgument,
            "a.toml:2:9: main.share = 2: must be in (0, 1]\n"
            "a.toml:3:9: main.count = 0: must be >= 1\n"
            "environment variable FEDGAP_MAIN__LARGE: main.large = \"many\": "
            "must be an integer\n"
            "--set main.nothing=1: unknown key 'main.nothing'; [main] has "
            "count, large, share\n"
            "--set main.count: must be key=value, such as "
            "training.epochs=2"));
}

TEST_F(ConfigSchemaTest, SyntaxErrorsNameThePlace) {
  EXPECT_THAT(
      LoadText("[main]\ncount = = 1\n"),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("a.toml:2:9: ")));
}

TEST_F(ConfigSchemaTest, PassesOverSectionsOfOtherPrograms) {
  EXPECT_OK(schema_.Load({"a.toml",
                          "[other]\nx = 1\n[other.deep]\ny = 1979-05-27\n",
                          {{"FEDGAP_OTHER__X", "1"}},
                          {}}));
}

TEST_F(ConfigSchemaTest, RefusesAnOverrideForAnotherProgram) {
  EXPECT_THAT(schema_.Load({"", "", {}, {"other.x=1"}}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("--set other.x=1: this program has no such "
                              "setting; it takes those of [main], [look]")));
}

TEST_F(ConfigSchemaTest, SaysWhenAVariableLacksAnUnderscore) {
  EXPECT_THAT(schema_.Load({"", "", {{"FEDGAP_MAIN_COUNT", "4"}}, {}}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("FEDGAP_MAIN_COUNT: did you mean "
                              "FEDGAP_MAIN__COUNT?")));
  EXPECT_OK(schema_.Load({"", "", {{"FEDGAP_JOBS", "4"}}, {}}));
}

TEST_F(ConfigSchemaTest, ADeclaredSectionIsReadThoughItIsIgnored) {
  int x = 0;
  schema_.Section("other", "").Integer("x", &x, ConfigRange(), "");
  ASSERT_OK(LoadText("[other]\nx = 4\n"));
  EXPECT_EQ(x, 4);
  EXPECT_THAT(LoadText("[other]\ny = 4\n"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(ConfigSchemaTest, WritesWhatItReads) {
  settings_.title = "say \"hi\"\n";
  settings_.levels = {0.1, 3};
  settings_.color = Color::kGreen;
  const std::string text = schema_.ToToml();
  EXPECT_EQ(text,
            "[main]\ncount = 3\nlarge = 7\nshare = 0.5\n"
            "\n[look]\non = false\ntitle = \"say \\\"hi\\\"\\n\"\n"
            "levels = [0.1, 3.0]\ncolor = \"green\"\n");
  settings_ = Settings();
  ASSERT_OK(LoadText(text));
  EXPECT_EQ(schema_.ToToml(), text);
}

TEST_F(ConfigSchemaTest, DocumentsEveryKey) {
  const std::string text = schema_.Reference();
  EXPECT_THAT(text, HasSubstr("### [main]\n\nThe main things.\n"));
  EXPECT_THAT(text,
              HasSubstr("| `share` | number | `0.5` | in (0, 1] | of all |\n"));
  EXPECT_THAT(text, HasSubstr("| `color` | text | `\"red\"` | one of red, "
                              "green | of the front |\n"));
}

TEST(ReadConfigSourcesTest, ReadsTheFileAndTheEnvironment) {
  const TempDir directory;
  ASSERT_OK(WriteFileAtomic(directory / "a.toml", "[main]\n"));
  ::setenv("FEDGAP_MAIN__COUNT", "4", 1);
  ASSERT_OK_AND_ASSIGN(
      const ConfigSources sources,
      ReadConfigSources(directory / "a.toml", {"main.count=5"}));
  ::unsetenv("FEDGAP_MAIN__COUNT");
  EXPECT_EQ(sources.file_text, "[main]\n");
  EXPECT_EQ(sources.environment.at("FEDGAP_MAIN__COUNT"), "4");
  EXPECT_EQ(sources.overrides.size(), 1u);
  EXPECT_THAT(ReadConfigSources(directory / "none.toml", {}),
              Fails(absl::StatusCode::kNotFound, HasSubstr("none.toml")));
  EXPECT_OK(ReadConfigSources("", {}));
}

}  // namespace
}  // namespace fedgap
