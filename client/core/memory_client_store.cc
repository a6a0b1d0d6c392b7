#include <utility>

#include "client/core/client_store.h"

namespace fedgap {

StatusOr<Parameters> MemoryClientStore::LocalTensors(const RunId& run) {
  return runs_[run].promoted;
}

Status MemoryClientStore::SaveUpdate(const RunId& run, const Update& update,
                                     const Parameters& provisional) {
  State& state = runs_[run];
  state.update = update;
  state.provisional = provisional;
  return absl::OkStatus();
}

StatusOr<std::optional<Update>> MemoryClientStore::FindUpdate(
    const RunId& run, const TaskId& task) {
  const State& state = runs_[run];
  if (!state.update.has_value() || state.update->info.task != task) {
    return std::optional<Update>();
  }
  return state.update;
}

Status MemoryClientStore::Resolve(const RunId& run, Round round,
                                  bool contributed) {
  State& state = runs_[run];
  if (!state.update.has_value() || state.update->info.round > round) {
    return absl::OkStatus();
  }
  if (contributed && state.update->info.round == round) {
    state.promoted = std::move(state.provisional);
  }
  state.update.reset();
  state.provisional.clear();
  return absl::OkStatus();
}

}  // namespace fedgap
