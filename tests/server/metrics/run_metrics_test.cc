#include "server/metrics/run_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "common/base/file_io.h"
#include "tests/common/telemetry/sample_events.h"
#include "tests/server/metrics/recalled_metrics.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RunMetricsTest : public ::testing::Test {
 protected:
  // Whole lines of the text.
  void ExpectLine(const std::string& line) const {
    EXPECT_THAT("\n" + metrics_.Text(), HasSubstr("\n" + line + "\n"));
  }
  void ExpectNoLineWith(const std::string& text) const {
    EXPECT_THAT(metrics_.Text(), Not(HasSubstr(text)));
  }
  static std::string ValueOf(const std::string& name, const std::string& text) {
    const auto begin = text.find("\n" + name + " ") + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  template <typename... E>
  void Emit(const E&... events) {
    (metrics_.Emit(events), ...);
  }

  ManualClock clock_;
  RunMetrics metrics_{clock_};
};

TEST_F(RunMetricsTest, TheGoldenRunGivesTheGoldenText) {
  RecallGoldenRun(metrics_);
  const auto file = SourceDir() / "tests/golden/events/small.prom";
  const std::string text = OfTheRunAlone(metrics_.Text());
  if (std::getenv("FEDGAP_REGENERATE") != nullptr) {
    ASSERT_OK(WriteFileAtomic(file, text));
  }
  EXPECT_EQ(text, ReadFileText(file).value());
}

TEST_F(RunMetricsTest, BeforeTheRunThereIsNothingMeasured) {
  ExpectLine("fedgap_rounds_committed_total 0");
  ExpectLine("fedgap_updates_rejected_total{code=\"INVALID_ARGUMENT\"} 0");
  ExpectLine("fedgap_run_state{state=\"finished\"} 0");
  ExpectNoLineWith("fedgap_run_info");
  ExpectNoLineWith("fedgap_last_commit_timestamp_seconds");
  ExpectNoLineWith("fedgap_accuracy_mean_ratio");
}

TEST_F(RunMetricsTest, ARoundShowsInEachMetric) {
  Emit(SampleRunStarted());
  ExpectLine(
      "fedgap_run_info{model=\"gap-cnn-gn\",name=\"demo\",run=\"demo-"
      "0123456789abcdef\",version=\"fedgap 0.1.0\"} 1");
  ExpectLine("fedgap_rounds_planned 3");
  ExpectLine("fedgap_run_state{state=\"waiting\"} 1");
  Emit(SampleJoined("a"), SampleJoined("b"), SampleRoundStarted(1));
  ExpectLine("fedgap_clients_connected 2");
  ExpectLine("fedgap_client_joins_total{kind=\"new\"} 2");
  ExpectLine("fedgap_cohort_clients 2");
  ExpectLine("fedgap_current_round 1");
  ExpectLine("fedgap_run_state{state=\"running\"} 1");
  Emit(SampleAccepted(1, "a", 0), SampleAccepted(1, "b", 1));
  ExpectLine("fedgap_updates_accepted_total 2");
  ExpectLine("fedgap_updates_clipped_total 2");
  ExpectLine("fedgap_update_norm_bucket{le=\"0.5\"} 0");
  ExpectLine("fedgap_update_norm_bucket{le=\"1\"} 2");
  ExpectLine("fedgap_update_norm_sum 1.5");
  ExpectLine("fedgap_client_training_seconds_bucket{le=\"1\"} 0");
  ExpectLine("fedgap_client_training_seconds_bucket{le=\"2.5\"} 2");
  clock_.Advance(std::chrono::milliseconds(500));
  Emit(SampleCommitted(1));
  ExpectLine("fedgap_rounds_committed_total 1");
  ExpectLine("fedgap_last_commit_timestamp_seconds 3600.5");
  ExpectLine("fedgap_round_duration_seconds_sum 2");
  ExpectLine("fedgap_round_phase_seconds_total{phase=\"collect\"} 1.5");
  ExpectLine("fedgap_round_endings_total{ending=\"complete\"} 1");
  ExpectLine("fedgap_received_bytes_total 200000");
  ExpectLine("fedgap_sent_bytes_total 300000");
  ExpectLine("fedgap_training_loss 1");
  ExpectLine("fedgap_group_influence_ratio{group=\"<16\"} 0.5");
  ExpectLine("fedgap_group_pixel_influence_ratio{group=\"16-24\"} 0.75");
  ExpectLine(
      "fedgap_group_accuracy_ratio{group=\"<16\",source=\"server\"} 0.75");
  ExpectLine("fedgap_group_loss{group=\"16-24\",source=\"server\"} 0.5");
  ExpectLine("fedgap_group_loss{group=\"<16\",source=\"clients\"} 1.2");
  ExpectLine("fedgap_accuracy_worst_ratio{source=\"server\"} 0.75");
  ExpectLine("fedgap_accuracy_worst_ratio{source=\"clients\"} 0.3");
  ExpectLine("fedgap_run_state{state=\"waiting\"} 1");
  Emit(RoundAbortedEvent{2, 1, "quorum missed"}, WarningEvent{"careful"});
  ExpectLine("fedgap_rounds_aborted_total 1");
  ExpectLine("fedgap_warnings_total 1");
}

TEST_F(RunMetricsTest, RefusedCallsAreCountedByTheirCode) {
  ExpectLine("fedgap_refused_calls_total{code=\"PERMISSION_DENIED\"} 0");
  metrics_.CountRefusedCall(absl::ResourceExhaustedError("alice"));
  metrics_.CountRefusedCall(absl::ResourceExhaustedError("bob"));
  metrics_.CountRefusedCall(absl::InternalError("unheard of"));
  ExpectLine("fedgap_refused_calls_total{code=\"RESOURCE_EXHAUSTED\"} 2");
  ExpectLine("fedgap_refused_calls_total{code=\"other\"} 1");
}

TEST_F(RunMetricsTest, NoWordsOfClientsBecomeLabels) {
  Emit(SampleRunStarted(), SampleJoined("secret-name"),
       UpdateRejectedEvent{1, {"secret-name"}, "DATA_LOSS", "secret reason"},
       UpdateRejectedEvent{1, {"secret-name"}, "secret-code", "secret reason"},
       ClientLeftEvent{{"secret-name"}, "secret farewell"});
  ExpectLine("fedgap_updates_rejected_total{code=\"DATA_LOSS\"} 1");
  ExpectLine("fedgap_updates_rejected_total{code=\"other\"} 1");
  ExpectLine("fedgap_client_leaves_total{reason=\"other\"} 1");
  RoundCommittedEvent committed = SampleCommitted(1);
  committed.ending = "secret-ending";
  committed.group_influence = {{7, 0.25, 0.5}, {-1, 0.75, 0.5}};
  Emit(committed);
  ExpectLine("fedgap_round_endings_total{ending=\"other\"} 1");
  ExpectLine("fedgap_group_influence_ratio{group=\"other\"} 1");
  ExpectNoLineWith("secret");
}

TEST_F(RunMetricsTest, AClientIsConnectedOnceHoweverOftenItJoins) {
  ClientJoinedEvent again = SampleJoined("a");
  again.returned = true;
  Emit(SampleRunStarted(), SampleJoined("a"), again, SampleJoined("b"));
  ExpectLine("fedgap_clients_connected 2");
  ExpectLine("fedgap_client_joins_total{kind=\"returned\"} 1");
  Emit(ClientLeftEvent{{"a"}, "connection lost"},
       ClientLeftEvent{{"b"}, "stopped"});
  ExpectLine("fedgap_clients_connected 0");
  ExpectLine("fedgap_client_leaves_total{reason=\"connection_lost\"} 1");
  ExpectLine("fedgap_client_leaves_total{reason=\"stopped\"} 1");
}

TEST_F(RunMetricsTest, AClientOfAnEarlierStartIsNotNew) {
  RunStartedEvent again = SampleRunStarted();
  again.resumed = true;
  Emit(SampleRunStarted(), SampleJoined("a"), again, SampleJoined("a"));
  ExpectLine("fedgap_client_joins_total{kind=\"new\"} 1");
  ExpectLine("fedgap_client_joins_total{kind=\"returned\"} 1");
}

TEST_F(RunMetricsTest, AnExpelledClientIsNoOtherLeave) {
  Emit(SampleRunStarted(), SampleJoined("a"),
       ClientLeftEvent{{"a"}, "expelled: sent away by operator ops: late"});
  ExpectLine("fedgap_client_leaves_total{reason=\"expelled\"} 1");
  ExpectNoLineWith("late");
}

TEST_F(RunMetricsTest, APausedRunIsPausedOnceItsRoundIsOver) {
  Emit(SampleRunStarted(), SampleRoundStarted(1),
       PauseEvent{true, "operator ops"});
  ExpectLine("fedgap_run_state{state=\"running\"} 1");
  Emit(SampleCommitted(1));
  ExpectLine("fedgap_run_state{state=\"paused\"} 1");
  ExpectLine("fedgap_run_state{state=\"waiting\"} 0");
  Emit(PauseEvent{false, "operator ops"});
  ExpectLine("fedgap_run_state{state=\"waiting\"} 1");
  Emit(PauseEvent{true, "operator ops"}, SampleRunStarted());
  ExpectLine("fedgap_run_state{state=\"waiting\"} 1");
}

TEST_F(RunMetricsTest, AGroupThatIsGoneIsShownNoLonger) {
  Emit(SampleRunStarted(), SampleCommitted(1));
  ExpectLine("fedgap_group_influence_ratio{group=\"16-24\"} 0.5");
  RoundCommittedEvent second = SampleCommitted(2);
  second.group_influence = {{0, 1.0, 1.0}};
  second.client_held_out = {{0, {10, 4, 10 << 20}}, {1, {0, 0, 0}}};
  second.evaluated = false;
  Emit(second);
  ExpectLine("fedgap_group_influence_ratio{group=\"<16\"} 1");
  ExpectNoLineWith("fedgap_group_influence_ratio{group=\"16-24\"}");
  ExpectNoLineWith("fedgap_group_loss{group=\"16-24\",source=\"clients\"}");
  // What was not measured this time is as it was.
  ExpectLine("fedgap_group_loss{group=\"16-24\",source=\"server\"} 0.5");
}

TEST_F(RunMetricsTest, AnEndIsAStateOfItsOwn) {
  Emit(SampleRunStarted(), SampleJoined("a"));
  Emit(RunFinishedEvent{"interrupted (SIGINT)", SampleModel(1), 1, 2.5});
  ExpectLine("fedgap_run_state{state=\"interrupted\"} 1");
  ExpectLine("fedgap_run_state{state=\"waiting\"} 0");
  ExpectLine("fedgap_clients_connected 0");
  Emit(RunFinishedEvent{"completed", SampleModel(1), 3, 2.5});
  ExpectLine("fedgap_run_state{state=\"finished\"} 1");
  ExpectLine("fedgap_run_state{state=\"interrupted\"} 0");
}

TEST_F(RunMetricsTest, AResumedRunGoesOnFromItsLog) {
  const LoggedEvent committed = {
      .header = {.time = Clock::WallTime(std::chrono::seconds(1000))},
      .event = SampleCommitted(1)};
  metrics_.Recall({.header = {}, .event = SampleRunStarted()});
  metrics_.Recall({.header = {}, .event = SampleJoined("a")});
  metrics_.Recall(committed);
  RunStartedEvent resumed = SampleRunStarted();
  resumed.resumed = true;
  resumed.software = "fedgap 0.2.0";
  resumed.last_committed = 2;
  Emit(resumed);
  ExpectLine("fedgap_clients_connected 0");
  ExpectNoLineWith("version=\"fedgap 0.1.0\"");
  ExpectLine("fedgap_rounds_committed_total 2");
  ExpectLine("fedgap_last_commit_timestamp_seconds 1000");
  ExpectLine("fedgap_accuracy_worst_ratio{source=\"server\"} 0.75");
  // The commit that a crash kept out of the log: its costs are known now.
  Emit(SampleCommitted(2));
  ExpectLine("fedgap_rounds_committed_total 2");
  ExpectLine("fedgap_received_bytes_total 400000");
  Emit(SampleCommitted(3));
  ExpectLine("fedgap_rounds_committed_total 3");
  ExpectLine("fedgap_round_duration_seconds_count 3");
}

TEST_F(RunMetricsTest, WithoutALogItGoesOnFromWhatTheStartSays) {
  RunStartedEvent resumed = SampleRunStarted();
  resumed.last_committed = 2;
  Emit(resumed);
  ExpectLine("fedgap_rounds_committed_total 2");
  ExpectLine("fedgap_current_round 2");
  ExpectLine("fedgap_received_bytes_total 0");
}

TEST_F(RunMetricsTest, ARoundThatWasLostAndRunAgainCostsAgain) {
  Emit(SampleRunStarted(), SampleCommitted(1), SampleCommitted(2));
  Emit(SampleCommitted(2));  // told twice
  ExpectLine("fedgap_received_bytes_total 400000");
  RunStartedEvent damaged = SampleRunStarted();
  damaged.last_committed = 1;
  Emit(damaged);
  // A counter never falls.
  ExpectLine("fedgap_rounds_committed_total 2");
  Emit(SampleCommitted(2));
  ExpectLine("fedgap_rounds_committed_total 2");
  ExpectLine("fedgap_received_bytes_total 600000");
}

TEST_F(RunMetricsTest, IsReadWhileTheRunGoesOn) {
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      // Each text is of one moment.
      const std::string text = metrics_.Text();
      EXPECT_EQ(ValueOf("fedgap_updates_accepted_total", text),
                ValueOf("fedgap_update_norm_count", text));
    }
  });
  Emit(SampleRunStarted());
  for (int round = 1; round <= 50; ++round) {
    Emit(SampleRoundStarted(round), SampleAccepted(round, "a", 0),
         SampleCommitted(round));
  }
  done = true;
  reader.join();
  ExpectLine("fedgap_rounds_committed_total 50");
}

}  // namespace
}  // namespace fedgap
