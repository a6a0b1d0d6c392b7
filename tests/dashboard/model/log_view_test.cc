#include "dashboard/model/log_view.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/testing/golden_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

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

TEST(LogViewTest, ARunThatNobodyHoldsIsInterrupted) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "events");
  ASSERT_OK(WriteFileAtomic(dir / "events/events-000001.jsonl",
                            std::string_view(GoldenLog(15))));
  auto view = LogView::Open(dir.path());
  ASSERT_OK(view);
  ASSERT_OK(view->Refresh());
  EXPECT_THAT(view->ToJson(), HasSubstr(R"("phase":"running")"))
      << "a copied log tells nothing of its run";
  for (const char* name : {"state.db", "config.toml", "lock"}) {
    ASSERT_OK(WriteFileAtomic(dir / name, std::string_view("")));
  }
  const int lock = ::open((dir / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  ASSERT_OK(view->Refresh());
  const ViewPosition held = view->position();
  EXPECT_THAT(view->ToJson(), HasSubstr(R"("phase":"running")"));
  ::close(lock);
  ASSERT_OK(view->Refresh());
  EXPECT_NE(view->position(), held) << "readers are told";
  EXPECT_THAT(view->ToJson(), HasSubstr(R"("phase":"interrupted")"));
}

TEST(LogViewTest, SaysWhatIsNotThere) {
  const TempDir dir;
  EXPECT_EQ(LogView::Open(dir / "none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace fedgap
