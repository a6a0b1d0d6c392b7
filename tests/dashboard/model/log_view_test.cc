#include "dashboard/model/log_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/golden_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

TEST(LogViewTest, FollowsALogThatGrows) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "events");
  auto view = LogView::Open(dir.path());
  ASSERT_OK(view);
  ASSERT_OK(view->Refresh());
  EXPECT_EQ(view->position().revision, 0U) << "no event is no error";
  const auto file = dir / "events/events-000001.jsonl";
  ASSERT_OK(WriteFileAtomic(file, std::string_view(GoldenLog(11))));
  ASSERT_OK(view->Refresh());
  EXPECT_EQ(view->view().rounds.size(), 1U);
  ASSERT_OK(WriteFileAtomic(file, std::string_view(GoldenLog())));
  ASSERT_OK(view->Refresh());
  EXPECT_EQ(view->view().rounds.size(), 5U);
  EXPECT_EQ(view->position().seq, 40U);
}

TEST(LogViewTest, SaysWhatIsNotThere) {
  const TempDir dir;
  EXPECT_EQ(LogView::Open(dir / "none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace fedgap
