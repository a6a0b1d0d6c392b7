#include "bench/engine/sharding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "bench/engine/machine.h"
#include "bench/engine/workload.h"
#include "common/nn/engine.h"
#include "common/nn/sgd.h"

namespace fedgap::bench {
namespace {

// One number of shards on one number of threads.
class Configuration {
 public:
  Configuration(const Workload& workload, const ShardingOptions& options,
                int shards, int threads)
      : shards_(shards),
        pool_(threads),
        workload_(workload),
        engine_(workload.model(), pool_,
                {.shards = shards, .isa = options.isa}),
        parameters_(workload.parameters()),
        gradient_(parameters_.size()),
        sgd_(parameters_.size(), {.isa = options.isa}) {}

  // Trains for a while and keeps the rate.
  void Turn(const ShardingOptions& options) {
    const Stopwatch watch(options.cpu_time);
    std::size_t samples = 0;
    do {
      engine_.Compute(parameters_, workload_.Batch(0), gradient_);
      sgd_.Step(1e-4f, gradient_, parameters_);
      samples += workload_.Batch(0).size();
    } while (watch.seconds() < options.seconds);
    rates_.push_back(static_cast<double>(samples) / watch.seconds());
  }

  int shards() const { return shards_; }
  int threads() const { return pool_.threads(); }
  double rate() const {
    std::vector<double> rates = rates_;
    std::ranges::sort(rates);
    return rates[rates.size() / 2];
  }
  double scratch_megabytes() const {
    return static_cast<double>(engine_.scratch_bytes()) * 1e-6;
  }

 private:
  int shards_;
  ThreadPool pool_;
  const Workload& workload_;
  GradientEngine engine_;
  Parameters parameters_;
  Parameters gradient_;
  Sgd sgd_;
  std::vector<double> rates_;
};

}  // namespace

StatusOr<nlohmann::json> RunSharding(const ShardingOptions& options) {
  fmt::print(
      "gradient shards, {} px, batch {}, {} time\n{:<12} {:>6} {:>8} {:>10} "
      "{:>7} {:>11}\n",
      options.size, options.batch, options.cpu_time ? "CPU" : "elapsed",
      "model", "shards", "threads", "samples/s", "ratio", "scratch MB");
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& name : options.models) {
    FEDGAP_ASSIGN_OR_RETURN(auto model, BenchModel(name));
    const std::vector<ImageSize> sizes(static_cast<std::size_t>(options.batch),
                                       {options.size, options.size});
    const Workload workload(std::move(model), sizes, options.batch, 1);
    std::vector<std::unique_ptr<Configuration>> configurations;
    for (const int threads : {1, 2}) {
      if (threads > 1 && options.cpu_time) continue;
      for (const int shards : {1, 2, 4, 8}) {
        configurations.push_back(std::make_unique<Configuration>(
            workload, options, shards, threads));
      }
    }
    for (int turn = 0; turn < options.turns; ++turn) {
      for (const auto& each : configurations) each->Turn(options);
    }
    for (const auto& each : configurations) {
      const double ratio = each->rate() / configurations[0]->rate();
      fmt::print("{:<12} {:>6} {:>8} {:>10.0f} {:>7.2f} {:>11.2f}\n", name,
                 each->shards(), each->threads(), each->rate(), ratio,
                 each->scratch_megabytes());
      rows.push_back({{"model", name},
                      {"shards", each->shards()},
                      {"threads", each->threads()},
                      {"samples_per_s", each->rate()},
                      {"to_one_shard", ratio},
                      {"scratch_mb", each->scratch_megabytes()}});
    }
    std::fflush(stdout);
  }
  return rows;
}

}  // namespace fedgap::bench
