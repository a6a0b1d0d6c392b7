// Whole federations in one process: real clients that train, the real
// coordinator, no sockets.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/core/participant.h"
#include "common/base/clock.h"
#include "common/data/data_spec.h"
#include "common/federation/model_id.h"
#include "common/nn/kernels/isa.h"
#include "server/core/coordinator.h"
#include "server/core/driver.h"
#include "server/core/memory_run_store.h"
#include "sim/roster.h"
#include "sim/simulator.h"
#include "tests/testing/in_process_federation.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

struct Site {
  std::string name;
  ImageSize size;
};

const std::vector<Site> kSites = {{"a", {14, 14}}, {"b", {20, 20}},
                                  {"c", {28, 28}}, {"d", {40, 40}},
                                  {"e", {24, 36}}, {"f", {17, 11}}};

constexpr char kGolden[] =
    "666e30c08d88aecf1a3519f3079f3870e53f17e135a04d39f9e61319312f8b6f";

// The same with training.precision = "bfloat16".
constexpr char kMixedGolden[] =
    "ea32e2afd093db5a61bec0cde290e697c83e9fa3c2081435bfc70d450ad7bda7";

RunConfig SmallConfig() {
  RunConfig config;
  config.name = "test";
  config.seed = 7;
  config.rounds = 3;
  config.groups = ResolutionGroups::Create({16, 24, 29, 34}).value();
  config.training.local.batch_size = 16;
  config.training.local.learning_rate = 0.05;
  config.cohort.min_clients = 6;
  config.cohort.quorum = 1;
  config.cohort.deadline_seconds = 0;
  config.cohort.max_size = config.aggregation.upload_slots;
  return config;
}

struct Outcome {
  std::string model_sha256;
  std::vector<Event> events;
};

// What varies without changing the answer.
struct Conditions {
  std::vector<int> join_order = {0, 1, 2, 3, 4, 5};
  int client_threads = 1;
  int aggregation_threads = 1;
};

std::shared_ptr<const ImageDataset> DataOf(std::size_t site) {
  const DataSpec spec = ParseDataSpec("synthetic:5,360").value();
  LoadOptions options;
  options.part = DataPart{.partition = {},
                          .index = static_cast<int>(site),
                          .count = static_cast<int>(kSites.size()),
                          .seed = 1};
  options.resolution = kSites[site].size;
  return LoadData(spec, options).value().data;
}

ModelSpec SmallModel(const RunConfig& config) {
  return BuiltInModel(
             "gap-cnn-gn",
             {.classes = static_cast<int>(DataOf(0)->class_names().size()),
              .width = 8,
              .norm_role = config.model.norm_role == "local"
                               ? TensorRole::kLocal
                               : TensorRole::kShared})
      .value();
}

Outcome RunFederation(RunConfig config, const Conditions& conditions) {
  config.aggregation.threads = conditions.aggregation_threads;
  const SystemClock clock;
  MemoryRunStore store;
  RecordingEventSink events;
  Coordinator::Options options;
  options.config = config;
  options.model = SmallModel(config);
  auto coordinator =
      Coordinator::Create(std::move(options), {clock, store, events, nullptr})
          .value();
  std::vector<std::thread> clients;
  for (const int site : conditions.join_order) {
    clients.emplace_back([&, site] {
      const auto index = static_cast<std::size_t>(site);
      const auto own = DataOf(index);
      MemoryClientStore memory;
      InProcessFederationApi api(*coordinator, {kSites[index].name});
      Participant participant({.name = {kSites[index].name},
                               .software = "test",
                               .threads = conditions.client_threads,
                               .back_off = {},
                               .give_up_after = std::chrono::seconds(0)},
                              {api, *own, memory, clock, nullptr});
      EXPECT_OK(participant.Run());
    });
  }
  EXPECT_OK(DriveToEnd(*coordinator));
  for (std::thread& client : clients) client.join();
  return {ToHex(coordinator->GetStatus().model), events.events()};
}

// The same federation without clients, coordinator and connections.
Outcome Simulate(const RunConfig& config, int threads) {
  SimulationConfig simulation;
  simulation.data = "synthetic:5,360";
  for (std::size_t site = 0; site < kSites.size(); ++site) {
    simulation.clients.push_back(
        fmt::format("{} part={}/{} resolution={}", kSites[site].name, site + 1,
                    kSites.size(), kSites[site].size.ToString()));
  }
  const auto population = RosterPopulation::Create(simulation, {}).value();
  const SystemClock clock;
  const Interruption interruption;
  MemoryRunStore store;
  RecordingEventSink events;
  Simulator::Options options;
  options.run.config = config;
  options.run.model = SmallModel(config);
  options.threads = threads;
  const auto simulator =
      Simulator::Create(std::move(options), {clock, store, events, nullptr,
                                             *population, interruption})
          .value();
  EXPECT_OK(simulator->Run());
  return {ToHex(simulator->model()), events.events()};
}

template <typename E>
std::vector<E> Of(const Outcome& outcome) {
  std::vector<E> found;
  for (const Event& event : outcome.events) {
    if (const E* e = std::get_if<E>(&event)) found.push_back(*e);
  }
  return found;
}

double LossOfRound(const Outcome& outcome, Round round) {
  for (const Event& event : outcome.events) {
    const auto* committed = std::get_if<RoundCommittedEvent>(&event);
    if (committed != nullptr && committed->round == round) {
      return committed->training.loss();
    }
  }
  ADD_FAILURE() << "round " << round << " was not committed";
  return 0;
}

TEST(InProcessFederationTest, OneRunOneAnswer) {
  const std::string first = RunFederation(SmallConfig(), {}).model_sha256;
  EXPECT_EQ(RunFederation(SmallConfig(), {.join_order = {5, 3, 1, 4, 2, 0}})
                .model_sha256,
            first);
  EXPECT_EQ(RunFederation(SmallConfig(),
                          {.client_threads = 2, .aggregation_threads = 2})
                .model_sha256,
            first);
}

// The simulator is the federation without its sockets: the same model, and the
// same numbers beside it.
TEST(InProcessFederationTest, TheSimulatorGivesTheSameAnswer) {
  const Outcome real = RunFederation(SmallConfig(), {});
  for (const int threads : {1, 2}) {
    const Outcome simulated = Simulate(SmallConfig(), threads);
    EXPECT_EQ(simulated.model_sha256, real.model_sha256);
    const auto a = Of<RoundCommittedEvent>(real);
    const auto b = Of<RoundCommittedEvent>(simulated);
    ASSERT_EQ(b.size(), a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(b[i].model, a[i].model);
      EXPECT_EQ(b[i].contributors, a[i].contributors);
      EXPECT_EQ(b[i].training, a[i].training);
      EXPECT_EQ(b[i].client_held_out, a[i].client_held_out);
    }
    EXPECT_EQ(Of<FinalEvaluationEvent>(simulated).at(0).client_held_out,
              Of<FinalEvaluationEvent>(real).at(0).client_held_out);
    EXPECT_EQ(Of<UpdateAcceptedEvent>(simulated).size(),
              Of<UpdateAcceptedEvent>(real).size());
    EXPECT_EQ(Of<ClientJoinedEvent>(simulated).size(), kSites.size());
  }
}

// The answer itself, on every CPU with fused multiply-add: a change of these
// bits is a change of the promise and must be meant.
TEST(InProcessFederationTest, TheAnswerIsTheGoldenOne) {
  if (!kernels::HasPortableBits(kernels::BestIsa())) {
    GTEST_SKIP() << "this CPU has no fused multiply-add";
  }
  EXPECT_EQ(RunFederation(SmallConfig(), {}).model_sha256, kGolden);
  EXPECT_EQ(Simulate(SmallConfig(), 1).model_sha256, kGolden);
  EXPECT_EQ(Simulate(SmallConfig(), 2).model_sha256, kGolden);
  RunConfig mixed = SmallConfig();
  mixed.training.local.precision = Precision::kBfloat16;
  EXPECT_EQ(RunFederation(mixed, {.client_threads = 2}).model_sha256,
            kMixedGolden);
  EXPECT_EQ(Simulate(mixed, 2).model_sha256, kMixedGolden);
}

TEST(InProcessFederationTest, AnotherSeedIsAnotherModel) {
  RunConfig other = SmallConfig();
  other.seed = 8;
  EXPECT_NE(RunFederation(other, {}).model_sha256,
            RunFederation(SmallConfig(), {}).model_sha256);
}

TEST(InProcessFederationTest, TrainingLearns) {
  RunConfig config = SmallConfig();
  config.rounds = 5;
  const Outcome outcome = RunFederation(config, {});
  EXPECT_LT(LossOfRound(outcome, 5), 0.8 * LossOfRound(outcome, 1));
}

struct Variant {
  std::string name;
  void (*change)(RunConfig&);
};

class VariantTest : public ::testing::TestWithParam<Variant> {};

// Each strategy and option runs through the same seams, changes the model, and
// keeps the promise of one answer.
TEST_P(VariantTest, RunsChangesTheModelAndIsReproducible) {
  RunConfig config = SmallConfig();
  config.rounds = 2;
  const std::string plain = RunFederation(config, {}).model_sha256;
  GetParam().change(config);
  const std::string changed = RunFederation(config, {}).model_sha256;
  EXPECT_NE(changed, plain);
  EXPECT_EQ(RunFederation(
                config, {.join_order = {2, 0, 5, 4, 3, 1}, .client_threads = 2})
                .model_sha256,
            changed);
  EXPECT_EQ(Simulate(config, 2).model_sha256, changed);
}

INSTANTIATE_TEST_SUITE_P(
    Strategies, VariantTest,
    ::testing::Values(
        Variant{"FedAdam",
                [](RunConfig& c) {
                  c.aggregation.strategy = StrategyKind::kFedAdam;
                  c.aggregation.server_learning_rate = 0.01;
                }},
        Variant{"Median",
                [](RunConfig& c) {
                  c.aggregation.strategy = StrategyKind::kMedian;
                }},
        Variant{"FedProx",
                [](RunConfig& c) { c.training.local.proximal_mu = 0.1; }},
        Variant{"FedBN", [](RunConfig& c) { c.model.norm_role = "local"; }},
        Variant{
            "Pixels",
            [](RunConfig& c) { c.aggregation.weighting = Weighting::kPixels; }},
        Variant{
            "Groups",
            [](RunConfig& c) { c.aggregation.weighting = Weighting::kGroup; }},
        Variant{"ClippedGradients",
                [](RunConfig& c) { c.training.local.clip_norm = 0.05; }},
        Variant{"Steps", [](RunConfig& c) { c.training.local.steps = 2; }},
        Variant{"ClippedUpdates",
                [](RunConfig& c) {
                  c.validation.max_update_norm = 0.01;
                  c.validation.on_excess = OnExcess::kClip;
                }}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace fedgap
