#include "common/telemetry/event_follower.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/common/telemetry/sample_events.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string LineOf(std::uint64_t seq, const Event& event) {
  EventHeader header;
  header.seq = seq;
  return ToJsonLine(header, event) + "\n";
}
std::string Joined(std::uint64_t seq, const char* name) {
  return LineOf(seq, SampleJoined(name));
}

class EventFollowerTest : public ::testing::Test {
 protected:
  void Append(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
  }
  static std::vector<std::string> Names(EventFollower& follower) {
    std::vector<std::string> names;
    EXPECT_OK(follower.Read([&names](const EventFollower::Line& line) {
      names.push_back(
          line.event == nullptr
              ? "?"
              : std::get<ClientJoinedEvent>(line.event->event).client.value);
    }));
    return names;
  }

  TempDir dir_;
  const std::filesystem::path first_ = dir_ / "run/events/events-000001.jsonl";
  const std::filesystem::path second_ = dir_ / "run/events/events-000002.jsonl";
};

TEST_F(EventFollowerTest, TakesEachLineOnceWhileTheLogGrows) {
  Append(first_, Joined(1, "a") + Joined(2, "b"));
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(dir_ / "run"));
  EXPECT_THAT(Names(follower), ElementsAre("a", "b"));
  EXPECT_THAT(Names(follower), ElementsAre());
  Append(first_, Joined(3, "c"));
  Append(second_, Joined(4, "d"));
  EXPECT_THAT(Names(follower), ElementsAre("c", "d"));
  EXPECT_EQ(follower.lines(), 4);
  EXPECT_EQ(follower.damage().missing_lines, 0);
}

TEST_F(EventFollowerTest, ReadsOneCopiedFileToo) {
  Append(dir_ / "copy.txt", Joined(1, "a"));
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(dir_ / "copy.txt"));
  EXPECT_THAT(Names(follower), ElementsAre("a"));
}

TEST_F(EventFollowerTest, WaitsForTheOtherHalfOfALine) {
  const std::string line = Joined(2, "b");
  Append(first_, Joined(1, "a") + line.substr(0, 40));
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(dir_ / "run"));
  EXPECT_THAT(Names(follower), ElementsAre("a"));
  EXPECT_EQ(follower.damage().half_line_bytes, 40);
  Append(first_, line.substr(40));
  EXPECT_THAT(Names(follower), ElementsAre("b"));
  EXPECT_EQ(follower.damage().half_line_bytes, 0);
  EXPECT_EQ(follower.damage().bad_lines, 0);
}

TEST_F(EventFollowerTest, PassesOverDamageAndSaysWhereItWas) {
  Append(first_, Joined(1, "a") + "}{\n" + Joined(5, "b") + "{\"sch");
  Append(second_, Joined(6, "c"));
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(dir_ / "run"));
  EXPECT_THAT(Names(follower), ElementsAre("a", "b", "c"));
  const EventLogDamage& damage = follower.damage();
  EXPECT_EQ(damage.missing_lines, 3);  // 2, 3 and 4
  EXPECT_EQ(damage.bad_lines, 2);
  ASSERT_EQ(damage.first.size(), 2U);
  EXPECT_EQ(damage.first[0].file, "events-000001.jsonl");
  EXPECT_EQ(damage.first[0].line, 2);
  EXPECT_THAT(damage.first[1].what, HasSubstr("half a line"));
}

TEST_F(EventFollowerTest, GivesLinesOfNewerTypesWithoutAnEvent) {
  Append(first_, R"({"schema":1,"seq":1,"start":1,"attempt":0,)"
                 R"("time":"2026-11-22T19:36:51.042Z","type":"a_new_one"})"
                 "\n");
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(first_));
  EXPECT_THAT(Names(follower), ElementsAre("?"));
}

// Long enough for several threads and many blocks.
TEST_F(EventFollowerTest, TakesALongLogInOrder) {
  constexpr std::uint64_t kLines = 40'000;
  constexpr std::uint64_t kBad = 23'456;
  std::string log;
  for (std::uint64_t i = 1; i <= kLines; ++i) {
    log += i == kBad ? "{\n" : Joined(i, fmt::format("c{}", i).c_str());
  }
  ASSERT_GT(log.size(), std::size_t{6} << 20);
  Append(first_, log + "{\"sch");
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(dir_ / "run"));
  ASSERT_OK_AND_ASSIGN(const std::int64_t there, follower.BytesThere());
  EXPECT_EQ(there, std::ssize(log) + 5);
  std::uint64_t last = 0;
  std::int64_t taken = 0;
  ASSERT_OK(follower.Read([&](const EventFollower::Line& line) {
    last += last + 1 == kBad ? 2 : 1;
    EXPECT_EQ(line.event->header.seq, last);
    EXPECT_EQ(follower.lines(), static_cast<std::int64_t>(last));
    taken = follower.bytes();
  }));
  EXPECT_EQ(last, kLines);
  EXPECT_EQ(taken, std::ssize(log));
  EXPECT_EQ(follower.damage().half_line_bytes, 5);
  EXPECT_EQ(follower.damage().missing_lines, 1);
  ASSERT_EQ(follower.damage().first.size(), 1U);
  EXPECT_EQ(follower.damage().first[0].line, static_cast<std::int64_t>(kBad));
}

TEST_F(EventFollowerTest, ReadsLinesLongerThanItsBlock) {
  RunStartedEvent started = SampleRunStarted();
  started.config_toml.assign(std::size_t{9} << 20, 'x');
  Append(first_, LineOf(1, started) + Joined(2, "a"));
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(first_));
  std::size_t length = 0;
  int lines = 0;
  ASSERT_OK(follower.Read([&](const EventFollower::Line& line) {
    ++lines;
    if (const auto* e = std::get_if<RunStartedEvent>(&line.event->event)) {
      length = e->config_toml.size();
    }
  }));
  EXPECT_EQ(length, started.config_toml.size());
  EXPECT_EQ(lines, 2);
}

TEST_F(EventFollowerTest, AnEmptyRunHasNoEventsYet) {
  std::filesystem::create_directories(dir_ / "run");
  Append(dir_ / "run/config.toml", "");
  ASSERT_OK_AND_ASSIGN(auto follower, EventFollower::Open(dir_ / "run"));
  EXPECT_THAT(Names(follower), ElementsAre());
  Append(first_, Joined(1, "a"));
  EXPECT_THAT(Names(follower), ElementsAre("a"));
}

TEST_F(EventFollowerTest, SaysWhatIsNoLog) {
  EXPECT_THAT(EventFollower::Open(dir_ / "none"),
              Fails(kNotFound, HasSubstr("none")));
  std::filesystem::create_directories(dir_ / "other");
  EXPECT_THAT(EventFollower::Open(dir_ / "other"),
              Fails(kNotFound, HasSubstr("events/")));
}

}  // namespace
}  // namespace fedgap
