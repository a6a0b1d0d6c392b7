#include "dashboard/model/view_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "dashboard/model/log_view.h"
#include "dashboard/model/pooled_json.h"
#include "tests/testing/golden_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class ViewJsonTest : public ::testing::Test {
 protected:
  LogView Open(const std::string& log) {
    EXPECT_OK(WriteFileAtomic(file_, std::string_view(log)));
    auto view = LogView::Open(file_);
    EXPECT_OK(view);
    EXPECT_OK(view->Refresh());
    return *std::move(view);
  }
  Json Of(const std::string& log) { return Json::parse(Open(log).ToJson()); }

  TempDir dir_;
  std::filesystem::path file_ = dir_ / "events-000001.jsonl";
};

TEST_F(ViewJsonTest, HasTheNumbersOfTheLog) {
  const Json json = Of(GoldenLog());
  EXPECT_EQ(json["run"]["id"], "golden-0123456789abcdef");
  EXPECT_EQ(json["run"]["seed"], "7");
  EXPECT_EQ(json["state"]["phase"], "finished");
  EXPECT_EQ(json["rounds"]["round"], Json({1, 2, 3, 4, 5}));
  EXPECT_EQ(json["rounds"]["accuracy"]["worst"],
            Json({0.3, 0.45, 0.56, 0.61, 0.655}));
  EXPECT_EQ(json["rounds"]["seconds"]["total"], Json({5.0, 5., 5., 5., 5.}));
  ASSERT_EQ(json["groups"].size(), 3U);
  EXPECT_EQ(json["groups"][1]["accuracy"],
            Json({0.35, 0.52, 0.64, 0.7, 0.742}));
  EXPECT_EQ(json["evaluation"]["sizes"][0]["confusion"],
            Json({327, 173, 172, 328}));
  EXPECT_EQ(json["clients"].size(), 4U);
  EXPECT_EQ(json["events"]["rows"].size(), 40U);
  EXPECT_TRUE(json["pooled"].is_null());
}

TEST_F(ViewJsonTest, SaysHowFarARunIs) {
  EXPECT_EQ(Of("")["state"]["phase"], "empty");
  EXPECT_EQ(Of(GoldenLog(5))["state"]["phase"], "waiting");
  const Json open = Of(GoldenLog(9));
  EXPECT_EQ(open["state"]["phase"], "running");
  EXPECT_EQ(open["state"]["received"], 3);
  EXPECT_EQ(Of(GoldenLog(11))["state"]["phase"], "between rounds");
  const auto pause = [](const char* paused) {
    return std::string(
               R"({"schema":1,"seq":12,"start":1,"attempt":0,)"
               R"("time":"2026-11-22T10:00:09.000Z","type":"pause","paused":)") +
           paused + R"(,"by":"operator ops"})" + "\n";
  };
  EXPECT_EQ(Of(GoldenLog(11) + pause("true"))["state"]["phase"], "paused");
  EXPECT_EQ(Of(GoldenLog(11) + pause("false"))["state"]["phase"],
            "between rounds");
}

TEST_F(ViewJsonTest, AfterAPositionHoldsWhatIsNewer) {
  LogView view = Open(GoldenLog(17));
  const ViewPosition position = view.position();
  EXPECT_EQ(position.seq, 17U);
  ASSERT_OK(WriteFileAtomic(file_, std::string_view(GoldenLog(28))));
  ASSERT_OK(view.Refresh());
  const Json json = Json::parse(view.ToJson(position));
  // Round 2 once more: round 3 told how clients' held-out parts find it.
  EXPECT_EQ(json["rounds"]["from"], 1);
  EXPECT_EQ(json["rounds"]["round"], Json({2, 3}));
  EXPECT_EQ(json["groups"][0]["accuracy"].size(), 2U);
  const Json& history = json["clients"][0]["history"];
  EXPECT_EQ(history["from"], 2);
  EXPECT_EQ(history["round"], Json({3}));
  EXPECT_EQ(json["events"]["rows"][0][0], 18);
  EXPECT_EQ(json["events"]["rows"].size(), 11U);
  const Json nothing = Json::parse(view.ToJson(view.position()));
  EXPECT_EQ(nothing["rounds"]["from"], 3);
  EXPECT_TRUE(nothing["clients"].empty());
  EXPECT_TRUE(nothing["events"]["rows"].empty());
}

TEST_F(ViewJsonTest, SaysWhatOfTheLogCouldNotBeRead) {
  std::string log = GoldenLog();
  log.resize(log.size() - 20);
  log.insert(log.find('\n') + 1, "no json at all\n");
  const Json source = Of(log)["source"];
  EXPECT_EQ(source["bad_lines"], 1);
  EXPECT_EQ(source["bad"][0]["line"], 2);
  EXPECT_GT(source["half_line_bytes"], 0);
}

TEST_F(ViewJsonTest, HostileTextStaysText) {
  const std::string attack = "</script><img src=x onerror=alert(1)>";
  LogView view = Open(Replaced(Replaced(GoldenLog(), "site-b", attack),
                               "connection lost", "\\ud83d"));
  const std::string json = ForScript(view.ToJson());
  EXPECT_THAT(json, Not(HasSubstr("<")));
  const Json parsed = Json::parse(json);
  bool found = false;
  for (const Json& client : parsed["clients"]) {
    found |= client["name"] == attack;
  }
  EXPECT_TRUE(found);
  for (const char c : json) {
    ASSERT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
  }
}

TEST_F(ViewJsonTest, NoTextSteersATerminalOrTurnsALine) {
  const Json json =
      Of(Replaced(GoldenLog(), "site-b", "a\u009B\u202Eb\\u001b\\\\u202e"));
  bool found = false;
  for (const Json& client : json["clients"]) {
    found |= client["name"] == "a\uFFFD\uFFFDb\uFFFD\\u202e";
  }
  EXPECT_TRUE(found) << json["clients"];
}

TEST(ShortNumberTest, HasSixDigits) {
  EXPECT_EQ(ShortNumber(0.123456789), 0.123457);
  EXPECT_EQ(ShortNumber(-1234567.8), -1234570.0);
  EXPECT_EQ(ShortNumber(0), 0);
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Json(ShortNumber(none)).dump(), "null");
}

}  // namespace
}  // namespace fedgap
