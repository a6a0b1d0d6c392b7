#include "server/core/memory_run_store.h"

#include <gtest/gtest.h>

#include "tests/server/store/sample_run.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

TEST(MemoryRunStoreTest, RestoresTheLastCommit) {
  SampleRun run;
  MemoryRunStore store;
  EXPECT_FALSE(store.Restore()->has_value());
  ASSERT_OK(run.Create(store));
  ASSERT_OK(run.Commit(store, 1));
  ASSERT_TRUE(store.Restore()->has_value());
  EXPECT_EQ(store.run()->round, 1);
  EXPECT_EQ(store.run()->parameters, run.ParametersAfter(1));
  EXPECT_EQ(store.events().size(), 1u);
  ASSERT_OK(store.MarkFinished("completed", 2));
  EXPECT_TRUE(store.run()->finished);
}

TEST(MemoryRunStoreTest, RefusesWhatTheStoreOnDiskRefuses) {
  SampleRun run;
  MemoryRunStore store;
  EXPECT_THAT(run.Commit(store, 1),
              HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_OK(run.Create(store));
  EXPECT_THAT(run.Create(store),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(run.Commit(store, 2),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(MemoryRunStoreTest, AFailedCommitChangesNothing) {
  SampleRun run;
  MemoryRunStore store;
  ASSERT_OK(run.Create(store));
  store.FailNextCommit(absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(run.Commit(store, 1),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(store.run()->round, 0);
  EXPECT_OK(run.Commit(store, 1));
}

}  // namespace
}  // namespace fedgap
