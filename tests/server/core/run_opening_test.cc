#include "server/core/run_opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/federation/model_choice.h"
#include "server/core/memory_run_store.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

class RunOpeningTest : public ::testing::Test {
 protected:
  RunOpeningTest() {
    definition_.config.model.name = "gap-cnn-s";
    definition_.config.model.width = 2;
    definition_.config.model.classes = 2;
    definition_.model = ChooseModel(definition_.config.model).value();
  }

  StatusOr<OpenedRun> Open() {
    FEDGAP_ASSIGN_OR_RETURN(const auto model, PrepareRun(definition_));
    RunProgress progress(definition_.config, *model,
                         {clock_, store_, events_, nullptr});
    return OpenRun(definition_, *model, store_, events_, progress);
  }

  ManualClock clock_;
  MemoryRunStore store_;
  RecordingEventSink events_;
  RunDefinition definition_;
};

TEST_F(RunOpeningTest, ANewRunIsNotFinished) {
  ASSERT_OK_AND_ASSIGN(const OpenedRun opened, Open());
  EXPECT_FALSE(opened.finished);
  EXPECT_EQ(events_.Of<RunStartedEvent>().size(), 1U);
  EXPECT_TRUE(events_.Of<RunFinishedEvent>().empty());
}

// Else the log, and the report made of it, would say for ever that it runs.
TEST_F(RunOpeningTest, AFinishedRunSaysAgainHowItEnded) {
  ASSERT_OK(Open());
  ASSERT_OK(store_.MarkFinished("target reached", 12.5));
  ASSERT_OK_AND_ASSIGN(const OpenedRun opened, Open());
  EXPECT_TRUE(opened.finished);
  const auto finished = events_.Of<RunFinishedEvent>();
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].reason, "target reached");
  EXPECT_EQ(finished[0].seconds, 12.5);
  EXPECT_EQ(finished[0].rounds, 0);
  EXPECT_EQ(finished[0].model, store_.run()->model);
}

TEST_F(RunOpeningTest, ClassNamesMustReachTheClients) {
  for (const std::string& name : {std::string("a\nb"), std::string(257, 'x')}) {
    definition_.class_names = {"cat", name};
    EXPECT_THAT(Open(), Fails(absl::StatusCode::kInvalidArgument,
                              HasSubstr("label 1")));
  }
}

}  // namespace
}  // namespace fedgap
