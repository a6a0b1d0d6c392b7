#include "sim/replay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace fedgap {
namespace {

constexpr std::size_t kNamesShown = 10;

std::map<ClientName, std::size_t> PositionsOf(const Population& population) {
  std::map<ClientName, std::size_t> positions;
  for (std::size_t i = 0; i < population.size(); ++i) {
    positions.emplace(population.NameOf(i), i);
  }
  return positions;
}

std::string SomeNames(const std::vector<ClientName>& names) {
  std::vector<std::string> shown;
  for (const ClientName& name : names) {
    if (shown.size() == kNamesShown) {
      return fmt::format("{}, ... ({} in all)", fmt::join(shown, ", "),
                         names.size());
    }
    shown.push_back(name.value);
  }
  return fmt::format("{}", fmt::join(shown, ", "));
}

}  // namespace

StatusOr<Replay> Replay::Create(RecordedRounds recorded,
                                const Population& population) {
  const std::map<ClientName, std::size_t> positions = PositionsOf(population);
  Replay replay;
  for (std::size_t r = 0; r < recorded.rounds.size(); ++r) {
    std::vector<std::size_t>& found = replay.contributors_.emplace_back();
    for (const ClientName& name : recorded.rounds[r].contributors) {
      const auto position = positions.find(name);
      if (position == positions.end()) {
        return absl::InvalidArgumentError(fmt::format(
            "client '{}' took part in round {}; the simulation has none of "
            "that name: give every client of the run its name and data in "
            "simulation.clients",
            name.value, r + 1));
      }
      found.push_back(position->second);
    }
    std::ranges::sort(found);
  }
  replay.recorded_ = std::move(recorded);
  return replay;
}

Status Replay::Check(Round round, const ModelId& model) const {
  if (round == 0) {
    if (model == recorded_.initial) return absl::OkStatus();
    return absl::FailedPreconditionError(fmt::format(
        "the initial model is {}, the recorded one {}: another version of the "
        "program, or of the file of model.init_from",
        ToHex(model), ToHex(recorded_.initial)));
  }
  if (round > last_round()) {
    return absl::FailedPreconditionError(fmt::format(
        "the run directory holds {} rounds, the recorded run {}: it is not "
        "this run's replay; give another --run-dir",
        round, last_round()));
  }
  const RecordedRounds::Committed& committed =
      recorded_.rounds[static_cast<std::size_t>(round - 1)];
  if (model == committed.model) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "round {} differs, and it is the first that does: the model is {}, the "
      "recorded one {}. Is the data of its clients what they trained on? They "
      "were {}",
      round, ToHex(model), ToHex(committed.model),
      SomeNames(committed.contributors)));
}

}  // namespace fedgap
