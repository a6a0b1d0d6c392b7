// Memory stays flat in rounds: what a simulation holds after a commit.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "server/store/recorded_run.h"
#include "sim/simulation.h"
#include "sim/simulator.h"
#include "tests/testing/live_allocations.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

// The report's history is a vector of a capacity that doubles: between these
// rounds it neither moves nor grows.
constexpr Round kFirst = 35;
constexpr Round kLast = 63;

// Notes what is held when a commit's events are flushed: the event log's thread
// has then nothing left to do.
class HeldAfterRounds final : public EventSink {
 public:
  explicit HeldAfterRounds(Round rounds) {
    held_.reserve(static_cast<std::size_t>(rounds) + 2);
  }
  void Emit(const Event& event) override {
    committed_ = std::holds_alternative<RoundCommittedEvent>(event);
  }
  void Flush() override {
    if (committed_) held_.push_back(CountLiveAllocations());
  }
  const LiveAllocations& after(Round round) const {
    return held_.at(static_cast<std::size_t>(round) - 1);
  }

 private:
  bool committed_ = false;
  std::vector<LiveAllocations> held_;
};

TEST(RoundsMemoryTest, ARoundLeavesNothingBehind) {
  const TempDir dir;
  const ManualClock clock;
  SimulationConfig simulation;
  simulation.data = "synthetic:5,100";
  simulation.population = 6;
  simulation.partition = "virtual";
  simulation.samples_per_client = 8;
  simulation.resolutions = "12, 16";
  const auto population = MakePopulation(simulation, {});
  ASSERT_OK(population);

  HeldAfterRounds held(kLast);
  const auto run = RecordedRun::Open({.directory = dir / "run",
                                      .config_toml = "",
                                      .keep_models = 5,
                                      .progress = false,
                                      .observer = &held},
                                     clock);
  ASSERT_OK(run);
  Simulator::Options options;
  options.run.config.name = "test";
  options.run.config.rounds = kLast;
  options.run.model =
      BuiltInModel("gap-cnn-gn", {.classes = 4, .width = 4}).value();
  options.behavior = simulation;
  const Interruption never;
  const auto simulator = Simulator::Create(
      std::move(options),
      {clock, (*run)->store(), (*run)->events(), nullptr, **population, never});
  ASSERT_OK(simulator);
  ASSERT_OK((*simulator)->Run());

  EXPECT_EQ(held.after(kLast).count, held.after(kFirst).count);
  // Texts of numbers differ in length; nine bytes a round would be found.
  EXPECT_NEAR(static_cast<double>(held.after(kLast).bytes),
              static_cast<double>(held.after(kFirst).bytes), 256);
  EXPECT_GT(held.after(kFirst).count, 0);
}

}  // namespace
}  // namespace fedgap
