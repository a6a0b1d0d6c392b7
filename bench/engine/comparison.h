// The engines side by side on the same work, in turns.
#ifndef FEDGAP_BENCH_ENGINE_COMPARISON_H_
#define FEDGAP_BENCH_ENGINE_COMPARISON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/nn/kernels/isa.h"

namespace fedgap::bench {

struct ComparisonOptions {
  std::vector<std::string> models;
  // Square images; 0 stands for the sizes of natural traffic signs, each batch
  // of many.
  std::vector<int> sizes;
  // Engines left out.
  std::vector<std::string> without;
  kernels::Isa isa = kernels::Isa::kScalar;
  // Evaluation instead of training.
  bool inference = false;
  int batch = 32;
  // Of each square size; at least one.
  int batches = 4;
  int shards = 4;
  int turns = 5;
  double seconds = 0.2;  // of an engine's turn
  bool cpu_time = false;
  // Where the engines' programs are, and the traffic signs, if anywhere.
  std::string engine_folder;
  std::string sign_folder;
};

// The names of all engines, fedgap's own first. The ratios are to "pytorch".
std::vector<std::string> EngineNames();

// Trains each model at each size with one engine after the other, again and
// again, the peak of the machine measured in every turn; prints and returns the
// medians: rows of work ("training" or "inference"), model, engine, size,
// samples_per_s, gflops, peak_share,
// to_pytorch (the median of each turn's ratio), new_size_ms, rss_mb. An engine
// that cannot train a model, or is not there, is left out with its reason.
StatusOr<nlohmann::json> RunComparison(const ComparisonOptions& options);

// Whether all engines compute the same: the losses of the first five steps at
// learning rate 0.05 agree with fedgap's within 1e-4 of them. Prints the
// largest difference of each; INTERNAL if one is larger.
Status VerifyEngines(const ComparisonOptions& options);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_COMPARISON_H_
