#include "common/telemetry/event_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/common/telemetry/sample_events.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const EventHeader kHeader{
    .seq = 7,
    .start = 2,
    .attempt = 3,
    .time = Clock::WallTime(std::chrono::milliseconds(1795376211042))};

TEST(EventJsonTest, BeginsWithTheHeaderInOrder) {
  EXPECT_EQ(ToJsonLine(kHeader, WarningEvent{"careful"}),
            "{\"schema\":1,\"seq\":7,\"start\":2,\"attempt\":3,"
            "\"time\":\"2026-11-22T19:36:51.042Z\",\"type\":\"warning\","
            "\"message\":\"careful\"}");
}

TEST(EventJsonTest, ReadsEveryKindBackToTheLastBit) {
  for (const Event& event : SampleEvents()) {
    const std::string line = ToJsonLine(kHeader, event);
    ASSERT_OK_AND_ASSIGN(const auto read, ParseEventLine(line));
    EXPECT_TRUE(read.known);
    EXPECT_EQ(read.event.index(), event.index());
    EXPECT_EQ(read.header.seq, 7u);
    EXPECT_EQ(read.header.start, 2);
    EXPECT_EQ(read.header.time, kHeader.time);
    EXPECT_EQ(ToJsonLine(read.header, read.event), line);
  }
}

TEST(EventJsonTest, RoundEventsCarryTheirOwnAttempt) {
  const std::string line = ToJsonLine(kHeader, SampleCommitted(1));
  EXPECT_EQ(json::parse(line)["attempt"], 2);
  ASSERT_OK_AND_ASSIGN(const auto read, ParseEventLine(line));
  EXPECT_EQ(std::get<RoundCommittedEvent>(read.event).attempt, 2);
}

TEST(EventJsonTest, SaysAccuracyAndLossBesideTheIntegers) {
  const auto line = json::parse(ToJsonLine(kHeader, SampleCommitted(1)));
  const auto& group = line["evaluation"]["groups"][0];
  EXPECT_EQ(group["correct"], 75);
  EXPECT_EQ(group["samples"], 100);
  EXPECT_DOUBLE_EQ(group["accuracy"], 0.75);
  EXPECT_DOUBLE_EQ(group["loss"], 0.7);
}

TEST(EventJsonTest, HostileNamesStayInTheirStrings) {
  const std::string name = "x\",\"type\":\"round_committed\n\xff\xfe\x1b[2J";
  const std::string line = ToJsonLine(kHeader, ClientLeftEvent{{name}, "\x80"});
  const auto parsed = json::parse(line);
  EXPECT_EQ(parsed["type"], "client_left");
  EXPECT_EQ(parsed["reason"], "\xef\xbf\xbd");
  EXPECT_EQ(line.find('\n'), line.npos);
  EXPECT_EQ(line.find('\x1b'), line.npos);
  EXPECT_EQ(line.find("\"type\":\"round_committed"), line.npos);
}

TEST(EventJsonTest, NonFiniteNumbersBecomeNull) {
  auto event = SampleAccepted(1, "a", 0);
  event.norm = std::numeric_limits<double>::infinity();
  event.cosine = std::nan("");
  const std::string line = ToJsonLine(kHeader, event);
  EXPECT_TRUE(json::parse(line)["norm"].is_null());
  ASSERT_OK_AND_ASSIGN(const auto read, ParseEventLine(line));
  EXPECT_TRUE(std::isnan(std::get<UpdateAcceptedEvent>(read.event).cosine));
}

TEST(EventJsonTest, PassesOverTypesOfNewerVersions) {
  ASSERT_OK_AND_ASSIGN(
      const auto read,
      ParseEventLine(R"({"schema":1,"seq":1,"start":1,"attempt":0,)"
                     R"("time":"2026-11-22T19:36:51.042Z","type":"new"})"));
  EXPECT_FALSE(read.known);
  EXPECT_EQ(read.header.seq, 1u);
}

TEST(EventJsonTest, RefusesWhatIsNotALine) {
  const std::string whole = ToJsonLine(kHeader, SampleCommitted(1));
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string(40, '\0'),
        whole.substr(0, whole.size() / 2), whole + "}"}) {
    EXPECT_THAT(ParseEventLine(bad), HasCode(absl::StatusCode::kDataLoss));
  }
}

std::string ErrorWith(const char* field, const json& value) {
  auto line = json::parse(ToJsonLine(kHeader, SampleCommitted(1)));
  if (value.is_null()) {
    line.erase(field);
  } else {
    line[field] = value;
  }
  return MessageOf(ParseEventLine(line.dump()).status());
}

TEST(EventJsonTest, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(ErrorWith("schema", 2), HasSubstr("\"schema\" is 2"));
  EXPECT_THAT(ErrorWith("seq", -1), HasSubstr("\"seq\""));
  EXPECT_THAT(ErrorWith("time", "yesterday"), HasSubstr("yesterday"));
  EXPECT_THAT(ErrorWith("bytes_up", nullptr),
              HasSubstr("\"bytes_up\" is missing"));
  EXPECT_THAT(ErrorWith("model", "ff"), HasSubstr("\"model\""));
  EXPECT_THAT(ErrorWith("seconds", json::object()), HasSubstr("\"select\""));
  EXPECT_THAT(ErrorWith("contributors", json::array({1})),
              HasSubstr("\"contributors\""));
}

TEST(EventJsonTest, TimesHaveMilliseconds) {
  EXPECT_EQ(FormatTime(Clock::WallTime(std::chrono::milliseconds(1))),
            "1970-01-01T00:00:00.001Z");
  ASSERT_OK_AND_ASSIGN(const auto time, ParseTime("1970-01-02T00:00:00.250Z"));
  EXPECT_EQ(time, Clock::WallTime(std::chrono::milliseconds(86400250)));
  EXPECT_THAT(ParseTime("1970-02-31T00:00:00.000Z"),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParseTime("1970-02-01T00:00:00.000Z!"),
              HasCode(absl::StatusCode::kDataLoss));
  // What 64 bits of nanoseconds hold.
  for (const char* known :
       {"1678-01-01T00:00:00.000Z", "2261-12-31T23:59:59.999Z"}) {
    ASSERT_OK_AND_ASSIGN(const auto edge, ParseTime(known));
    EXPECT_EQ(FormatTime(edge), known);
  }
  for (const char* unknown :
       {"1677-12-31T23:59:59.999Z", "4052-11-22T10:00:00.500Z"}) {
    EXPECT_THAT(ParseTime(unknown), HasCode(absl::StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace fedgap
