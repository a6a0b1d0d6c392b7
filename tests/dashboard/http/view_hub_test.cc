#include "dashboard/http/view_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/golden_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using Json = nlohmann::json;
constexpr std::chrono::seconds kPatience{60};

class ViewHubTest : public ::testing::Test {
 protected:
  void Append(const std::string& text) {
    std::ofstream(file_, std::ios::app) << text;
  }
  TempDir dir_;
  std::filesystem::path file_ = dir_ / "events-000001.jsonl";
};

TEST_F(ViewHubTest, TellsEachReaderWhatItHasNotGot) {
  Append(GoldenLog(11));
  auto hub = ViewHub::Open({file_});
  ASSERT_OK(hub);
  ViewHub::Reader reader = (*hub)->NewReader();
  const Json first = Json::parse((*hub)->News(0, reader));
  EXPECT_EQ(first["rounds"]["round"], Json({1}));
  EXPECT_EQ((*hub)->News(0, reader), "");

  Append(GoldenLog().substr(GoldenLog(11).size()));
  std::string news;
  while (news.empty()) {
    ASSERT_TRUE((*hub)->WaitForNews(reader, kPatience));
    news = (*hub)->News(0, reader);
  }
  const Json more = Json::parse(news);
  EXPECT_EQ(more["state"]["phase"], "finished");
  EXPECT_EQ(more["events"]["rows"][0][0], 12);

  ViewHub::Reader other = (*hub)->NewReader();
  EXPECT_EQ(Json::parse((*hub)->News(0, other))["events"]["rows"].size(), 40U);
}

TEST_F(ViewHubTest, AnEmptyLogIsTold) {
  Append("");
  auto hub = ViewHub::Open({file_});
  ASSERT_OK(hub);
  ViewHub::Reader reader = (*hub)->NewReader();
  EXPECT_EQ(Json::parse((*hub)->News(0, reader))["state"]["phase"], "empty");
  EXPECT_TRUE((*hub)->is_ready());
}

TEST_F(ViewHubTest, StopEndsEveryWait) {
  Append(GoldenLog(5));
  auto hub = ViewHub::Open({file_});
  ASSERT_OK(hub);
  ViewHub::Reader reader = (*hub)->NewReader();
  EXPECT_NE((*hub)->News(0, reader), "");
  std::thread stopper([&hub] { (*hub)->Stop(); });
  // Longer than a test may take: only Stop can end it.
  while ((*hub)->WaitForNews(reader, std::chrono::hours(1))) {
  }
  stopper.join();
  EXPECT_TRUE((*hub)->stopped());
  EXPECT_EQ((*hub)->News(0, reader), "");
}

TEST_F(ViewHubTest, RefusesTooManyRunsAndNone) {
  Append(GoldenLog(5));
  EXPECT_EQ(ViewHub::Open({}).status().code(),
            absl::StatusCode::kInvalidArgument);
  const std::vector<std::filesystem::path> many(ViewHub::kMaxRuns + 1, file_);
  EXPECT_EQ(ViewHub::Open(many).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ViewHub::Open({dir_ / "none"}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace fedgap
