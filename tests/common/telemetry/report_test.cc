#include "common/telemetry/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/base/file_io.h"
#include "common/nn/other_bits.h"
#include "common/telemetry/report_builder.h"
#include "tests/common/telemetry/sample_events.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void Begin(ReportBuilder& builder) {
  builder.Emit(SampleRunStarted());
  builder.Emit(SampleJoined("a"));
  builder.Emit(SampleJoined("b"));
}

void RunRound(ReportBuilder& builder, Round round) {
  builder.Emit(SampleRoundStarted(round));
  builder.Emit(SampleAccepted(round, "a", 0));
  builder.Emit(SampleAccepted(round, "b", 1));
  builder.Emit(SampleCommitted(round));
}

TEST(ReportTest, CoversTheWholeRun) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  RunRound(builder, 2);
  builder.Emit(RunFinishedEvent{"completed", SampleModel(3), 2, 5.5});
  const auto report = json::parse(ToJson(builder.Report()));
  EXPECT_EQ(report["run"], "demo-0123456789abcdef");
  EXPECT_EQ(report["rounds"], 2);
  EXPECT_EQ(report["seconds"], 5.5);
  EXPECT_EQ(report["reason"], "completed");
  EXPECT_EQ(report["bytes"]["up"], 400000);
  EXPECT_EQ(report["bytes"]["down"], 600000);
  EXPECT_THAT(report["model_sha256"].get<std::string>(), StartsWith("0303"));
  EXPECT_EQ(report["determinism"], "reproducible");
  EXPECT_EQ(report["clients"], 2);
  EXPECT_EQ(report["accepted_updates"], 4);
  EXPECT_EQ(report["history"].size(), 2u);
}

TEST(ReportTest, SaysAccuracyInfluenceAndSamplesPerGroup) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  const auto accuracy = json::parse(ToJson(builder.Report()))["accuracy"];
  EXPECT_EQ(accuracy["from"], "server");
  EXPECT_DOUBLE_EQ(accuracy["mean"], 0.8);
  EXPECT_DOUBLE_EQ(accuracy["worst"], 0.75);
  EXPECT_NEAR(accuracy["gap"].get<double>(), 0.1, 1e-12);
  ASSERT_EQ(accuracy["groups"].size(), 2u);
  const auto& group = accuracy["groups"][0];
  EXPECT_EQ(group["group"], "<16");
  EXPECT_DOUBLE_EQ(group["accuracy"], 0.75);
  EXPECT_DOUBLE_EQ(group["loss"], 0.7);
  EXPECT_DOUBLE_EQ(group["influence"], 0.5);
  EXPECT_DOUBLE_EQ(group["pixel_influence"], 0.25);
  EXPECT_EQ(group["samples"], 90);
  EXPECT_EQ(group["test_samples"], 100);
  EXPECT_DOUBLE_EQ(group["prototype_accuracy"], 0.6);
  EXPECT_EQ(accuracy["sizes"][1]["size"], "20x20");
  EXPECT_DOUBLE_EQ(accuracy["sizes"][1]["prototype_accuracy"], 0.7);
  EXPECT_EQ(accuracy["client_held_out"]["final_model"], false);
}

TEST(ReportTest, WithoutAServerSetTheClientsPartsCount) {
  ReportBuilder builder;
  Begin(builder);
  builder.Emit(SampleRoundStarted(1));
  auto committed = SampleCommitted(1);
  committed.evaluated = false;
  builder.Emit(committed);
  builder.Emit(FinalEvaluationEvent{
      SampleModel(2), {{0, {10, 6, 0}}, {1, {10, 8, 0}}}, 2});
  const RunReport report = builder.Report();
  EXPECT_EQ(report.accuracy_from, "clients");
  EXPECT_DOUBLE_EQ(report.accuracy.mean, 0.7);
  EXPECT_TRUE(report.client_held_out->final_model);
}

// evaluation.every = 2, and stopped after round 2.
TEST(ReportTest, SaysWhichModelWasMeasured) {
  ReportBuilder builder;
  Begin(builder);
  builder.Emit(SampleRoundStarted(1));
  builder.Emit(SampleCommitted(1));
  EXPECT_EQ(json::parse(ToJson(builder.Report()))["accuracy"]["round"], 1);
  EXPECT_THAT(ToTable(builder.Report()), Not(HasSubstr("measured after")));
  auto committed = SampleCommitted(2);
  committed.evaluated = false;
  builder.Emit(committed);
  const RunReport report = builder.Report();
  EXPECT_EQ(report.model_sha256, SampleModel(3));
  EXPECT_EQ(json::parse(ToJson(report))["accuracy"]["round"], 1);
  EXPECT_THAT(ToTable(report),
              HasSubstr("measured after round 1, not on the last model"));
}

TEST(ReportTest, ClientsMeasureTheModelThatTheyReceive) {
  ReportBuilder builder;
  Begin(builder);
  auto committed = SampleCommitted(1);
  committed.evaluated = false;
  builder.Emit(committed);
  EXPECT_EQ(builder.Report().accuracy_round, 0);
  builder.Emit(FinalEvaluationEvent{SampleModel(2), {{0, {10, 6, 0}}}, 2});
  EXPECT_EQ(builder.Report().accuracy_round, 1);
}

TEST(ReportTest, TheHistoryHoldsWhatClientsMeasuredOfEachRoundsModel) {
  ReportBuilder builder;
  Begin(builder);
  for (const Round round : {1, 2}) {
    auto committed = SampleCommitted(round);
    committed.evaluated = false;
    committed.client_held_out = {{0, {10, 2 + 2 * round, 0}}};
    builder.Emit(committed);
  }
  builder.Emit(FinalEvaluationEvent{SampleModel(2), {{0, {10, 9, 0}}}, 2});
  const auto report = json::parse(ToJson(builder.Report()));
  // Round 2's clients looked at the model of round 1.
  EXPECT_EQ(report["history"][0]["client_held_out"]["mean"], 0.6);
  EXPECT_EQ(report["history"][1]["client_held_out"]["mean"], 0.9);
  EXPECT_TRUE(report["history"][0]["accuracy"].is_null());
}

TEST(ReportTest, AGroupThatTrainsButIsNotEvaluatedIsShown) {
  ReportBuilder builder;
  Begin(builder);
  auto committed = SampleCommitted(1);
  committed.group_influence.push_back({2, 0.1, 0.1, 1, 5, 5});
  builder.Emit(committed);
  const auto report = json::parse(ToJson(builder.Report()));
  const auto& groups = report["accuracy"]["groups"];
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[2]["group"], ">=24");
  EXPECT_TRUE(groups[2]["accuracy"].is_null());
}

TEST(ReportTest, ARoundReadFromTheLogAndSeenAgainCountsOnce) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  builder.Emit(SampleCommitted(1));
  EXPECT_EQ(builder.Report().bytes_up, 200000);
  EXPECT_EQ(builder.Report().history.size(), 1u);
}

VirtualRoundEvent VirtualRoundOf(Round round, double seconds) {
  VirtualRoundEvent event;
  event.round = round;
  event.seconds = seconds;
  return event;
}

TEST(ReportTest, VirtualTimeOfARoundThatIsDoneAgainCountsOnce) {
  ReportBuilder builder;
  Begin(builder);
  builder.Emit(VirtualRoundOf(1, 10));
  builder.Emit(RoundAbortedEvent{1, 1, "too few clients are there"});
  builder.Emit(VirtualRoundOf(1, 20));
  RunRound(builder, 1);
  builder.Emit(VirtualRoundOf(2, 5));
  builder.Emit(RoundAbortedEvent{2, 1, "interrupted"});
  EXPECT_EQ(builder.Report().virtual_seconds, 35);
  RunStartedEvent again = SampleRunStarted();
  again.last_committed = 1;
  builder.Emit(again);
  EXPECT_EQ(builder.Report().virtual_seconds, 30);
  builder.Emit(VirtualRoundOf(2, 5));
  RunRound(builder, 2);
  EXPECT_EQ(builder.Report().virtual_seconds, 35);
}

// A crash between a commit and its event: the event follows the next start.
TEST(ReportTest, VirtualTimeOfACommitThatIsSaidLateIsKept) {
  ReportBuilder builder;
  Begin(builder);
  builder.Emit(VirtualRoundOf(1, 10));
  RunStartedEvent again = SampleRunStarted();
  again.last_committed = 1;
  builder.Emit(again);
  builder.Emit(SampleCommitted(1));
  EXPECT_EQ(builder.Report().virtual_seconds, 10);
}

TEST(ReportTest, ARestartWithTheSameClientsStaysReproducible) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  Begin(builder);
  RunRound(builder, 2);
  EXPECT_TRUE(builder.Report().reproducible);
  EXPECT_EQ(builder.Report().starts, 2);
}

TEST(ReportTest, AnEndingByTimeMakesTheRunReplayable) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  auto committed = SampleCommitted(2);
  committed.ending = "deadline";
  builder.Emit(committed);
  EXPECT_FALSE(builder.Report().reproducible);
  EXPECT_THAT(builder.Report().determinism_reason,
              HasSubstr("round 2 ended by deadline"));
}

TEST(ReportTest, AChangedRosterMakesTheRunReplayable) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  auto started = SampleRoundStarted(2);
  started.eligible = 3;
  started.roster = "decaf";
  builder.Emit(started);
  builder.Emit(SampleCommitted(2));
  EXPECT_FALSE(builder.Report().reproducible);
  EXPECT_THAT(builder.Report().determinism_reason,
              HasSubstr("the cohort of round 2 was drawn from 3, that of the "
                        "first from 2"));
}

TEST(ReportTest, WithoutFusedMultiplyAddTheSameModelIsNotPromised) {
  ReportBuilder builder;
  Begin(builder);
  builder.Emit(WarningEvent{"the disk is nearly full"});
  EXPECT_TRUE(builder.Report().reproducible);
  builder.Emit(WarningEvent{OtherBits(kernels::Isa::kSse4)});
  EXPECT_FALSE(builder.Report().reproducible);
  EXPECT_THAT(builder.Report().determinism_reason,
              HasSubstr("without fused multiply-add"));
}

TEST(ReportTest, NorIsThatOfASimulation) {
  ReportBuilder builder;
  Begin(builder);
  builder.Emit(SimulationStartedEvent{10, "ten", 1});
  EXPECT_TRUE(builder.Report().reproducible);
  builder.Emit(WarningEvent{OtherBits(kernels::Isa::kScalar)});
  EXPECT_FALSE(builder.Report().reproducible);
  EXPECT_THAT(builder.Report().determinism_reason,
              HasSubstr("without fused multiply-add"));
}

TEST(ReportTest, AsManyOtherClientsAreAnotherRoster) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  auto started = SampleRoundStarted(2);
  started.roster = "decaf";
  builder.Emit(started);
  builder.Emit(SampleCommitted(2));
  EXPECT_FALSE(builder.Report().reproducible);
}

// It had no stream of tasks yet when the round began; the next one asks it.
TEST(ReportTest, WhoJoinedWithoutBeingDrawnFromIsNoPartOfTheRoster) {
  ReportBuilder builder;
  Begin(builder);
  builder.Emit(SampleJoined("c"));
  RunRound(builder, 1);
  auto started = SampleRoundStarted(2);
  started.eligible = 3;
  started.roster = "decaf";
  builder.Emit(started);
  builder.Emit(SampleCommitted(2));
  EXPECT_FALSE(builder.Report().reproducible);
}

TEST(ReportTest, AClientThatComesBackInTimeChangesNothing) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  builder.Emit(ClientLeftEvent{{"b"}, "connection lost"});
  builder.Emit(SampleJoined("b"));
  RunRound(builder, 2);
  EXPECT_TRUE(builder.Report().reproducible);
}

TEST(ReportTest, TableIsAligned) {
  ReportBuilder builder;
  Begin(builder);
  RunRound(builder, 1);
  EXPECT_THAT(ToTable(builder.Report()),
              StartsWith("resolution  accuracy  prototype   loss  influence  "
                         "samples  test images\n"
                         "<16 px        75.0 %     60.0 %  0.700     50.0 %  "
                         "     90          100\n"
                         "16-24 px      85.0 %     70.0 %  0.500     50.0 %  "
                         "     90          100\n"
                         "mean 80.0 %   worst 75.0 %   gap 10.0"));
}

TEST(ReportTest, AnEmptyRunHasAReportToo) {
  ReportBuilder builder;
  builder.Emit(SampleRunStarted());
  const RunReport report = builder.Report();
  EXPECT_EQ(report.reason, "running");
  EXPECT_EQ(report.accuracy_from, "none");
  EXPECT_EQ(report.model_sha256, SampleModel(1));
  EXPECT_THAT(ToTable(report), Not(HasSubstr("mean")));
}

TEST(ReportTest, IsWrittenToAFile) {
  TempDir dir;
  ReportBuilder builder;
  Begin(builder);
  ASSERT_OK(WriteReport(builder.Report(), dir / "report.json"));
  EXPECT_EQ(*ReadFileText(dir / "report.json"), ToJson(builder.Report()));
}

}  // namespace
}  // namespace fedgap
