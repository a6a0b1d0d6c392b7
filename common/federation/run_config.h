// Everything that shapes a run: one struct a concern, read from one TOML file
// (common/config), written into the run directory, shown by `fedgap inspect`.
#ifndef FEDGAP_COMMON_FEDERATION_RUN_CONFIG_H_
#define FEDGAP_COMMON_FEDERATION_RUN_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/federation/task.h"
#include "common/nn/learning_rate_schedule.h"
#include "common/nn/model_spec.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// [model]
struct ModelConfig {
  std::string name = "gap-cnn-gn";  // a built-in; ignored when `file` is given
  std::string file;                 // a ModelSpec in JSON
  int width = 0;  // of the first convolution; 0: the model's own
  int input_channels = 1;
  int classes = 10;
  // In the order of the labels; empty: those of evaluation.data.
  std::vector<std::string> class_names;
  std::string norm_role = "shared";  // or "local": FedBN
  // Start from this safetensors file instead of the seed.
  std::string init_from;
  // Per channel; empty: 0.5 and 0.5.
  std::vector<double> mean;
  std::vector<double> stddev;
};

// [training]: LocalTraining as the run starts, and how its learning rate moves
// over the rounds.
struct TrainingConfig {
  LocalTraining local;
  LearningRateSchedule schedule;
};

// [cohort]: who takes part in a round, and how long the server waits.
struct CohortConfig {
  // Clients a round; 0: `fraction` of those connected.
  int size = 0;
  double fraction = 1.0;  // (0, 1]
  // The run starts, and goes on, when this many are connected.
  int min_clients = 1;
  // Selects ceil(over_selection * size) and closes at `size` updates.
  double over_selection = 1.0;  // [1, 3]
  // A round closes this long after it began with what has arrived. 0: never.
  double deadline_seconds = 600;
  // A member whose connection is lost may come back for so long; then the round
  // goes on as if it had left. 0: until the deadline.
  double reconnect_seconds = 60;
  // The run is left off, to be resumed, when fewer than min_clients have been
  // connected for so long; 0: it waits for ever.
  double wait_seconds = 0;
  // The share of the cohort whose updates a round needs at its deadline, or it
  // is aborted and run again. 1: all of them.
  double quorum = 1.0;  // (0, 1]
  // A round counts at most so many updates: what the accumulator must hold.
  int max_size = 10000;
};

enum class Weighting { kClient, kGroup, kSamples, kPixels };
enum class StrategyKind { kFedAvg, kFedAvgM, kFedAdam, kMedian };

// "client", "group", "samples", "pixels".
std::string_view ToString(Weighting weighting);
StatusOr<Weighting> WeightingFromString(std::string_view text);
// "fedavg", "fedavgm", "fedadam", "median".
std::string_view ToString(StrategyKind strategy);
StatusOr<StrategyKind> StrategyKindFromString(std::string_view text);

// [aggregation]
struct AggregationConfig {
  Weighting weighting = Weighting::kClient;
  StrategyKind strategy = StrategyKind::kFedAvg;
  double server_learning_rate = 1.0;
  double server_momentum = 0.9;  // fedavgm
  double beta1 = 0.9;            // fedadam
  double beta2 = 0.99;
  double tau = 1e-3;
  int threads = 0;  // 0: all cores
  // Updates that may be staged at a time.
  int upload_slots = 16;
};

enum class OnExcess { kReject, kClip };

// "reject", "clip".
std::string_view ToString(OnExcess on_excess);
StatusOr<OnExcess> OnExcessFromString(std::string_view text);

// [validation]: what an update may hold.
struct ValidationConfig {
  double max_abs_delta = 16.0;  // of one parameter
  double max_update_norm = 0;   // Euclidean; 0: not checked
  OnExcess on_excess = OnExcess::kReject;
  std::int64_t max_samples = 100'000'000;  // of one client
  std::int64_t max_pixels = 64'000'000;    // of one image, on average
};

// [evaluation]
struct EvaluationConfig {
  // The server's held-out data (`--data` syntax); empty: clients only.
  std::string data;
  // Sizes at which it is evaluated; empty: each image at its own.
  std::vector<ImageSize> sizes;
  int every = 1;        // rounds; the last is always evaluated
  int max_samples = 0;  // > 0: only the first so many of a seeded shuffle
  int threads = 0;      // 0: all cores
  LocalEvaluation local;
};

// [stop]
struct StopConfig {
  double target_accuracy = 0;  // mean over groups; 0: none
  int patience = 0;            // evaluations without a better mean; 0: none
};

struct RunConfig {
  std::string name = "run";  // ValidateName (common/crypto/identity.h)
  std::uint64_t seed = 1;
  int rounds = 10;
  // Files of so many last rounds stay, and the best round's model; 0: of all.
  int keep_models = 0;
  ModelConfig model;
  ResolutionGroups groups;  // also copied into evaluation.local.groups
  TrainingConfig training;
  CohortConfig cohort;
  AggregationConfig aggregation;
  ValidationConfig validation;
  EvaluationConfig evaluation;
  StopConfig stop;
};

// Whether the parts fit together; the range of each key alone is checked where
// it is read (common/config). INVALID_ARGUMENT names every pair of keys that do
// not fit, one a line.
Status Validate(const RunConfig& config);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_RUN_CONFIG_H_
