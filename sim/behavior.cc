#include "sim/behavior.h"

#include <algorithm>
#include <utility>

#include "common/base/portable_math.h"

namespace fedgap {
namespace {

// Attempts at one round that can be told apart.
constexpr std::uint64_t kAttempts = 64;

}  // namespace

bool Behavior::active() const {
  return simulation_.availability < 1 || simulation_.drop_out > 0 ||
         simulation_.seconds_per_megapixel > 0;
}

CounterRng Behavior::RngOf(std::size_t client, Round round, int attempt) const {
  return CounterRng(run_.seed, RngPurpose::kBehavior,
                    population_.NameOf(client).value,
                    static_cast<std::uint64_t>(round) * kAttempts +
                        static_cast<std::uint64_t>(attempt));
}

bool Behavior::IsThere(std::size_t client, Round round, int attempt) const {
  return RngOf(client, round, attempt).Uniform() < simulation_.availability;
}

double Behavior::TrainedPixels(std::size_t client) const {
  const LocalTraining& how = run_.training.local;
  const auto pixels = static_cast<double>(population_.PixelsOf(client));
  if (how.steps == 0) return pixels * how.epochs;
  const auto samples = static_cast<double>(
      std::max<std::int64_t>(1, population_.SampleCountOf(client)));
  return pixels / samples * std::min<double>(how.batch_size, samples) *
         how.steps;
}

// A client is as fast as it is: its factor is drawn once for the run.
double Behavior::SecondsOf(std::size_t client) const {
  CounterRng rng = RngOf(client, 0, 0);
  const double factor = PortableExp(simulation_.speed_spread * rng.Normal());
  return simulation_.seconds_per_megapixel * factor * TrainedPixels(client) /
         1e6;
}

VirtualRound Behavior::Plan(Round round, int attempt) const {
  std::vector<std::size_t> eligible;
  const bool all = simulation_.availability >= 1;
  for (std::size_t i = 0; !all && i < population_.size(); ++i) {
    if (IsThere(i, round, attempt)) eligible.push_back(i);
  }
  VirtualRound plan;
  const std::size_t there = all ? population_.size() : eligible.size();
  plan.unavailable = static_cast<int>(population_.size() - there);
  if (there < static_cast<std::size_t>(std::max(1, run_.cohort.min_clients))) {
    plan.decision = {RoundAction::kAbort, RoundEnding::kComplete,
                     "too few clients are there"};
    return plan;
  }
  const CohortDraw draw = DrawCohort(run_.cohort, run_.seed, round, there);
  plan.target = draw.target;
  std::vector<Arrival> arrivals;
  for (const std::size_t position : draw.positions) {
    const std::size_t client = all ? position : eligible[position];
    plan.cohort.push_back(client);
    CounterRng rng = RngOf(client, round, attempt);
    rng.Uniform();  // whether it is there
    if (rng.Uniform() < simulation_.drop_out) {
      ++plan.dropped;
    } else {
      arrivals.push_back({SecondsOf(client), client});
    }
  }
  EndByArrivals(std::move(arrivals), plan);
  return plan;
}

void Behavior::EndByArrivals(std::vector<Arrival> arrivals,
                             VirtualRound& plan) const {
  std::ranges::sort(arrivals);
  const double deadline = run_.cohort.deadline_seconds;
  RoundSituation now;
  now.target = plan.target;
  now.quorum = run_.cohort.quorum;
  now.outstanding = static_cast<int>(plan.cohort.size());
  std::size_t next = 0;
  while (next < arrivals.size()) {
    if (deadline > 0 && arrivals[next].seconds > deadline) break;
    plan.seconds = arrivals[next].seconds;
    plan.contributors.push_back(arrivals[next++].client);
    ++now.accepted;
    --now.outstanding;
    plan.decision = DecideRound(now);
    if (plan.decision.action != RoundAction::kWait) break;
  }
  if (plan.decision.action == RoundAction::kWait) {
    // Nobody more comes. With a deadline the server waits for it; without one
    // it must be told that the others have gone.
    now.deadline_passed = true;
    plan.seconds = deadline > 0 ? deadline : plan.seconds;
    plan.decision = DecideRound(now);
  }
  plan.late = static_cast<int>(arrivals.size() - next);
  std::ranges::sort(plan.contributors);
}

}  // namespace fedgap
