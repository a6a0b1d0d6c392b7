// A simulation that several processes share, with threads in their place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "common/federation/model_id.h"
#include "server/core/memory_run_store.h"
#include "sim/rank_agreement.h"
#include "sim/rank_leader.h"
#include "sim/rank_messages.h"
#include "sim/rank_worker.h"
#include "sim/simulation.h"
#include "sim/simulator.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/thread_ranks.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

RunConfig SharedConfig() {
  RunConfig config;
  config.name = "test";
  config.seed = 3;
  config.rounds = 3;
  config.cohort.size = 7;
  config.training.local.batch_size = 4;
  config.groups = ResolutionGroups::Create({14}).value();
  return config;
}

SimulationConfig DrawnClients() {
  SimulationConfig simulation;
  simulation.data = "synthetic:5,100";
  simulation.population = 20;
  simulation.partition = "virtual";
  simulation.samples_per_client = 8;
  simulation.resolutions = "12, 16";
  return simulation;
}

// Of an accepted update, what must not depend on who trained it.
using Seen = std::map<std::pair<Round, std::string>, std::pair<double, double>>;

struct Outcome {
  Status status;
  std::string model;
  Seen accepted;
  FinalEvaluationEvent final_evaluation;
  RunFinishedEvent finished;
};

// One simulation, begun anew or gone on with in `store`.
class SharedSimulation {
 public:
  explicit SharedSimulation(RunConfig config,
                            SimulationConfig simulation = DrawnClients())
      : simulation_(std::move(simulation)),
        population_(MakePopulation(simulation_, {}).value()) {
    options_.run.config = std::move(config);
    options_.run.model =
        BuiltInModel(
            "gap-cnn-gn",
            {.classes = 4,
             .width = 4,
             .norm_role = options_.run.config.model.norm_role == "local"
                              ? TensorRole::kLocal
                              : TensorRole::kShared})
            .value();
    options_.behavior = simulation_;
    options_.local_tensors = directory_.path() / "local";
  }

  Outcome Alone() {
    Outcome outcome;
    Lead(nullptr, outcome);
    return outcome;
  }

  // `interrupted` is the rank that gets a signal before it begins.
  Outcome OnRanks(int size, int threads = 1, int interrupted = -1) {
    Outcome outcome;
    options_.threads = threads;
    RunAsRanks(size, [&](RankGroup& ranks) {
      if (ranks.is_root()) {
        Lead(&ranks, outcome);
      } else {
        Follow(ranks, ranks.rank() == interrupted);
      }
    });
    return outcome;
  }

  MemoryRunStore& store() { return store_; }

 private:
  void Lead(RankGroup* ranks, Outcome& outcome) {
    RecordingEventSink events;
    const Interruption never;
    RankLeader leader(ranks);  // at its end the others hear that all is over
    const auto simulator = Simulator::Create(
        options_,
        {clock_, store_, events, nullptr, *population_, never, &leader});
    ASSERT_OK(simulator);
    outcome.status = (*simulator)->Run();
    outcome.model = ToHex((*simulator)->model());
    for (const auto& event : events.Of<UpdateAcceptedEvent>()) {
      outcome.accepted[{event.round, event.client.value}] = {event.norm,
                                                             event.cosine};
    }
    for (const auto& event : events.Of<FinalEvaluationEvent>()) {
      outcome.final_evaluation = event;
    }
    for (const auto& event : events.Of<RunFinishedEvent>()) {
      outcome.finished = event;
    }
  }

  void Follow(RankGroup& ranks, bool is_interrupted) {
    RunDefinition run = options_.run;
    const auto model = PrepareRun(run).value();
    Interruption interruption;
    if (is_interrupted) interruption.Request("a signal");
    RankWorker worker(options_.threads, {ranks, run.config, *model, clock_,
                                         *population_, interruption});
    EXPECT_OK(worker.Serve());
  }

  const TempDir directory_;
  ManualClock clock_;
  MemoryRunStore store_;
  SimulationConfig simulation_;
  std::unique_ptr<Population> population_;
  Simulator::Options options_;
};

void ExpectSame(const Outcome& actual, const Outcome& expected,
                const std::string& what) {
  EXPECT_OK(actual.status);
  EXPECT_EQ(actual.model, expected.model) << what;
  EXPECT_EQ(actual.accepted, expected.accepted) << what;
  EXPECT_EQ(actual.final_evaluation.client_held_out,
            expected.final_evaluation.client_held_out)
      << what;
}

TEST(RanksTest, AnyNumberOfRanksAndThreadsGivesTheSameModel) {
  for (const Weighting weighting : {Weighting::kClient, Weighting::kGroup,
                                    Weighting::kSamples, Weighting::kPixels}) {
    RunConfig config = SharedConfig();
    config.aggregation.weighting = weighting;
    const Outcome alone = SharedSimulation(config).Alone();
    for (const auto& [ranks, threads] :
         {std::pair(1, 1), {2, 1}, {3, 2}, {9, 1}}) {
      ExpectSame(
          SharedSimulation(config).OnRanks(ranks, threads), alone,
          std::string(ToString(weighting)) + " " + std::to_string(ranks));
    }
  }
}

// It needs the updates themselves: they go to the root.
TEST(RanksTest, AMedianIsTheSameOnRanks) {
  RunConfig config = SharedConfig();
  config.aggregation.strategy = StrategyKind::kMedian;
  ExpectSame(SharedSimulation(config).OnRanks(3),
             SharedSimulation(config).Alone(), "median");
}

// The root keeps them for whoever trains the client next.
TEST(RanksTest, LocalTensorsFollowTheirClient) {
  RunConfig config = SharedConfig();
  config.model.norm_role = "local";
  config.cohort.size = 15;  // so that clients come again
  ExpectSame(SharedSimulation(config).OnRanks(3),
             SharedSimulation(config).Alone(), "local");
}

TEST(RanksTest, ARankThatIsStoppedEndsTheRunAndItCanGoOn) {
  const std::string whole = SharedSimulation(SharedConfig()).Alone().model;
  SharedSimulation simulation(SharedConfig());
  const Outcome stopped = simulation.OnRanks(3, 1, /*interrupted=*/2);
  EXPECT_OK(stopped.status);
  EXPECT_EQ(stopped.finished.reason, "another rank was stopped");
  EXPECT_EQ(simulation.store().finished(), "");
  EXPECT_EQ(simulation.OnRanks(2).model, whole);
  EXPECT_EQ(simulation.store().finished(), "completed");
}

TEST(RanksTest, AClientWhoseDataDoesNotFitIsNamedWithItsRank) {
  SimulationConfig simulation = DrawnClients();
  simulation.resolutions = "1";
  RunConfig config = SharedConfig();
  config.cohort.size = 20;
  const Outcome outcome = SharedSimulation(config, simulation).OnRanks(2);
  EXPECT_THAT(outcome.status,
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("client-")));
}

TEST(RanksTest, RefusedUpdatesAreRefusedWhereverTheyWereTrained) {
  RunConfig config = SharedConfig();
  config.validation.max_abs_delta = 1e-9;
  const Outcome outcome = SharedSimulation(config).OnRanks(3);
  EXPECT_THAT(outcome.status, Fails(absl::StatusCode::kFailedPrecondition,
                                    HasSubstr("would fail as often")));
  EXPECT_TRUE(outcome.accepted.empty());
}

// What the root says of three ranks, the last of which is set up otherwise.
Status CheckBeside(const RankSetup& root, const RankSetup& last) {
  Status status;
  RunAsRanks(3, [&](RankGroup& ranks) {
    const Status own = CheckSameSetup(ranks, ranks.rank() == 2 ? last : root);
    if (ranks.is_root()) status = own;
  });
  return status;
}

RankSetup SetupFor(const SimulationConfig& simulation) {
  return SetupOf(BuiltInModel("gap-cnn-gn", {.classes = 4, .width = 4}).value(),
                 *MakePopulation(simulation, {}).value());
}

TEST(RankAgreementTest, RanksThatAreSetUpTheSameAgree) {
  const RankSetup setup = SetupFor(DrawnClients());
  EXPECT_EQ(SetupFor(DrawnClients()), setup);
  RankSetup elsewhere = setup;
  elsewhere.host = "node-7";
  EXPECT_OK(CheckBeside(setup, elsewhere));
}

TEST(RankAgreementTest, TheRankThatDiffersIsNamedWithWhatDiffers) {
  const RankSetup setup = SetupFor(DrawnClients());
  SimulationConfig other_images = DrawnClients();
  other_images.data = "synthetic:6,100";
  EXPECT_THAT(CheckBeside(setup, SetupFor(other_images)),
              Fails(absl::StatusCode::kFailedPrecondition,
                    AllOf(HasSubstr("rank 2 on "), HasSubstr("other data"))));
  struct Row {
    void (*change)(RankSetup&);
    const char* said;
  };
  for (const Row& row : {
           Row{[](RankSetup& s) { s.software = "0"; }, "runs version 0"},
           Row{[](RankSetup& s) { s.portable_bits = !s.portable_bits; },
               "fused multiply-add"},
           Row{[](RankSetup& s) { s.model = ""; }, "another model"},
           Row{[](RankSetup& s) { s.clients = 7; }, "7 clients, the root 20"},
       }) {
    RankSetup last = setup;
    row.change(last);
    EXPECT_THAT(
        CheckBeside(setup, last),
        Fails(absl::StatusCode::kFailedPrecondition, HasSubstr(row.said)));
  }
}

TEST(ShareOutTest, EveryoneGetsAboutTheSamePixels) {
  SimulationConfig simulation = DrawnClients();
  simulation.population = 30;
  simulation.resolutions = "12, 40";
  const auto population = MakePopulation(simulation, {}).value();
  std::vector<std::size_t> clients(30);
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i] = i;
  const auto shares = ShareOut(*population, clients, 4);
  ASSERT_THAT(shares, SizeIs(4));
  std::vector<std::int64_t> pixels;
  std::size_t count = 0;
  for (const auto& share : shares) {
    std::int64_t sum = 0;
    for (const std::size_t client : share) sum += population->PixelsOf(client);
    pixels.push_back(sum);
    count += share.size();
  }
  EXPECT_EQ(count, clients.size());
  EXPECT_LE(
      *std::ranges::max_element(pixels) - *std::ranges::min_element(pixels),
      8 * 40 * 40);
}

TEST(RankMessagesTest, AnOrderComesBackAsItWas) {
  RankOrder order;
  order.kind = RankOrder::Kind::kTrain;
  order.run = {"test-0123"};
  order.round = 7;
  order.attempt = 2;
  order.model = {1, 2, 3};
  order.last_delta = {0.5F};
  order.clients = {{1, 2}, {}, {9}};
  order.local_tensors = {{{"a"}, {4, 5}}};
  const auto read = RankOrderFrom(ToBytes(order));
  ASSERT_OK(read);
  EXPECT_EQ(*read, order);
}

TEST(RankMessagesTest, TornBytesAreDataLoss) {
  RankOrder order;
  order.clients = {{1, 2}, {3}};
  const RankGroup::Bytes whole = ToBytes(order);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(
        RankOrderFrom({whole.begin(), whole.begin() + static_cast<int>(size)}),
        HasCode(absl::StatusCode::kDataLoss))
        << size;
  }
}

}  // namespace
}  // namespace fedgap
