// One client's work in a round: look at the received model, train, report.
#ifndef FEDGAP_CLIENT_CORE_LOCAL_TRAINER_H_
#define FEDGAP_CLIENT_CORE_LOCAL_TRAINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "client/core/training_engines.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/data/data_source.h"
#include "common/federation/task.h"
#include "common/federation/update.h"
#include "common/nn/engine.h"
#include "common/nn/model.h"
#include "common/tensor/parameters.h"

namespace fedgap {

class PooledAccumulator;

// The update is a function of (task, model, parameters, data, client name): the
// same bits for any number of threads. Not thread-safe.
class LocalTrainer {
 public:
  struct Options {
    ClientName name;
    // Asked between batches; true ends the work with CANCELLED.
    std::function<bool()> should_stop = {};
  };

  struct Result {
    Update update;
    // The local tensors after training, provisional; empty if the model has
    // none.
    Parameters local;
  };

  // `engines`, `data` and `clock` must outlive it; while it works, nobody else
  // uses the engines. INVALID_ARGUMENT if the data does not fit their model,
  // naming the first sample that does not: no samples, other channels, a label
  // out of range, an image too small or one that takes too much memory.
  static StatusOr<std::unique_ptr<LocalTrainer>> Create(
      TrainingEngines& engines, const DataSource& data, const Clock& clock,
      Options options);

  // `global` is the federated range of the received model, `local` the
  // client's local tensors (empty: as the run's seed initialises them).
  // CANCELLED if should_stop said so.
  StatusOr<Result> Train(const Task& task, const TrainTask& work,
                         std::span<const float> global,
                         std::span<const float> local);

  // The received model on the held-out part; the update has no delta.
  StatusOr<Update> Evaluate(const Task& task, const EvaluateTask& work,
                            std::span<const float> global,
                            std::span<const float> local);

 private:
  // Which samples are trained on, which are held out; for one (seed, fraction).
  struct Parts {
    std::uint64_t seed = 0;
    double fraction = -1;
    std::vector<std::uint32_t> training;
    std::vector<std::uint32_t> held_out;
  };
  // Images of one batch or block, normalised, side by side.
  struct Batch {
    std::vector<float> pixels;
    std::vector<Example> examples;
  };

  LocalTrainer(TrainingEngines& engines, const DataSource& data,
               const Clock& clock, Options options);

  void Split(std::uint64_t seed, double fraction);
  Parameters Assemble(std::uint64_t seed, std::span<const float> global,
                      std::span<const float> local) const;
  void Load(std::span<const std::uint32_t> samples, Batch& batch);
  // How many of the first `samples` are looked at together.
  std::size_t BlockSize(std::span<const std::uint32_t> samples) const;
  std::vector<GroupCounts> CountGroups(const ResolutionGroups& groups) const;
  // Metrics by group, and pooled vectors into `pooled` unless it is null.
  StatusOr<std::vector<GroupMetrics>> Look(
      std::span<const std::uint32_t> samples, const ResolutionGroups& groups,
      PooledAccumulator* pooled);
  Status RunSteps(const Task& task, const TrainTask& work,
                  Parameters& parameters, UpdateInfo& info);
  bool ShouldStop() const;

  TrainingEngines& engines_;
  const Model& model_;
  const DataSource& data_;
  const Clock& clock_;
  Options options_;
  Parts parts_;
  Batch batch_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_LOCAL_TRAINER_H_
