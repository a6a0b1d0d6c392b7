// How the combined update moves the global model.
#ifndef FEDGAP_SERVER_AGGREGATION_SERVER_OPTIMIZER_H_
#define FEDGAP_SERVER_AGGREGATION_SERVER_OPTIMIZER_H_

#include <map>
#include <memory>
#include <span>
#include <string>

#include "common/base/status.h"
#include "common/federation/run_config.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// Named vectors that an optimiser carries from round to round; committed with
// the model, so that a resumed run goes on to the bit.
using OptimizerState = std::map<std::string, Parameters>;

// Reddi et al., "Adaptive Federated Optimization" (2021), algorithm 2: the
// combined update is the negative pseudo-gradient. Not thread-safe.
// Implementations: plain (FedAvg), momentum (FedAvgM), Adam (FedAdam).
class ServerOptimizer {
 public:
  virtual ~ServerOptimizer() = default;
  // global += step(delta); both of the federated range's length.
  virtual void Step(std::span<const float> delta, std::span<float> global) = 0;
  virtual OptimizerState state() const = 0;
  // INVALID_ARGUMENT if the names or lengths are not this optimiser's.
  virtual Status Restore(const OptimizerState& state) = 0;
};

std::unique_ptr<ServerOptimizer> MakeServerOptimizer(
    const AggregationConfig& config, std::int64_t elements);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_SERVER_OPTIMIZER_H_
