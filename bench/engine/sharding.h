// What gradient shards cost and bring.
#ifndef FEDGAP_BENCH_ENGINE_SHARDING_H_
#define FEDGAP_BENCH_ENGINE_SHARDING_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/nn/kernels/isa.h"

namespace fedgap::bench {

struct ShardingOptions {
  std::vector<std::string> models;
  int size = 28;
  kernels::Isa isa = kernels::Isa::kScalar;
  int batch = 32;
  int turns = 5;
  double seconds = 0.2;
  // Measure CPU time; without the rows of two threads, of which it says
  // nothing.
  bool cpu_time = false;
};

// Trains with 1, 2, 4 and 8 shards on one thread and on two, in turns. Prints
// and returns medians: rows of model, shards, threads, samples_per_s,
// to_one_shard (one thread, one shard), scratch_mb. NOT_FOUND for an unknown
// model.
StatusOr<nlohmann::json> RunSharding(const ShardingOptions& options);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_SHARDING_H_
