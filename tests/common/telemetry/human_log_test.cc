#include "common/telemetry/human_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HumanLogTest, WritesFromItsLevelOn) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto log,
                       HumanLog::Create({.level = LogLevel::kWarning,
                                         .file = dir / "log",
                                         .to_console = false}));
  log->Info("too quiet");
  log->Warning("disk \x1b[31mnearly\nfull");
  log->Warning("site \u009B31m \u202Elive \x9B");
  log->Error("disk full");
  const std::string text = *ReadFileText(dir / "log");
  EXPECT_THAT(text, Not(HasSubstr("too quiet")));
  EXPECT_THAT(text, HasSubstr("warning disk ?[31mnearly?full\n"));
  EXPECT_THAT(text, HasSubstr("warning site ?31m ?live \uFFFD\n"));
  EXPECT_THAT(text, HasSubstr("error   disk full\n"));
}

TEST(HumanLogTest, WritesOneJsonObjectALine) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto log,
                       HumanLog::Create({.format = LogFormat::kJson,
                                         .file = dir / "log",
                                         .to_console = false}));
  log->Info("site \"a\\b\"\n{\"level\":\"error\"} 100 % {} \xff");
  log->Warning("disk full");
  const std::string text = *ReadFileText(dir / "log");
  const std::size_t end = text.find('\n');
  const auto first = nlohmann::json::parse(text.substr(0, end));
  EXPECT_EQ(first["message"],
            "site \"a\\b\"?{\"level\":\"error\"} 100 % {} \xef\xbf\xbd");
  EXPECT_EQ(first["level"], "info");
  EXPECT_THAT(first["time"].get<std::string>(),
              ::testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  const auto second = nlohmann::json::parse(text.substr(end + 1));
  EXPECT_EQ(second["level"], "warning");
  EXPECT_EQ(second["message"], "disk full");
}

TEST(HumanLogTest, KnowsItsFormats) {
  EXPECT_EQ(*LogFormatFromString("json"), LogFormat::kJson);
  EXPECT_THAT(LogFormatFromString("xml"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("xml")));
}

TEST(HumanLogTest, RotatesItsFile) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto log, HumanLog::Create({.file = dir / "log",
                                                         .file_bytes = 2000,
                                                         .files = 2,
                                                         .to_console = false}));
  for (int i = 0; i < 200; ++i) log->Info(std::string(100, 'x'));
  EXPECT_LE(std::filesystem::file_size(dir / "log"), 2000u);
  const std::filesystem::directory_iterator files(dir.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 3);
}

TEST(HumanLogTest, RefusesAFileThatCannotBeWritten) {
  TempDir dir;
  EXPECT_THAT(
      HumanLog::Create({.file = dir.path(), .to_console = false}).status(),
      Fails(absl::StatusCode::kPermissionDenied,
            HasSubstr(dir.path().string())));
}

TEST(HumanLogTest, KnowsItsLevels) {
  EXPECT_EQ(*LogLevelFromString("debug"), LogLevel::kDebug);
  EXPECT_THAT(LogLevelFromString("loud"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("loud")));
}

}  // namespace
}  // namespace fedgap
