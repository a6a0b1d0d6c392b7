// Where the time of a training step goes, layer by layer.
#ifndef FEDGAP_BENCH_ENGINE_PROFILE_H_
#define FEDGAP_BENCH_ENGINE_PROFILE_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/engine/machine.h"
#include "common/base/status.h"
#include "common/nn/engine_observer.h"
#include "common/nn/kernels/isa.h"
#include "common/nn/model.h"
#include "common/nn/precision.h"

namespace fedgap::bench {

// What one image's pass through a phase must do at least: operations of
// convolutions and linear layers, and bytes if each operand is read or written
// once. `out` is the size of what is left: where a max pool is fused behind the
// node, its.
struct PhaseWork {
  double flops = 0;
  double bytes = 0;
};
PhaseWork WorkOf(EnginePhase phase, const Node& node, ImageSize in,
                 ImageSize out);

// Keeps the time between two calls under the second one's name. For engines of
// one thread and images of one size.
class PhaseClock : public EngineObserver {
 public:
  using Key = std::pair<const Node*, EnginePhase>;

  void OnPhaseEnd(EnginePhase phase, const Node* node) override;
  // What passed since the last phase belongs to none.
  void Skip();
  // Seconds of all calls of each phase, counted as the median each: of calls as
  // short as these, those that another process interrupted are few.
  std::map<Key, double> Seconds() const;

 private:
  double last_ = 0;
  std::map<Key, std::vector<double>> calls_;
};

struct ProfileOptions {
  std::vector<std::string> models;
  std::vector<int> sizes;
  kernels::Isa isa = kernels::Isa::kScalar;
  int batch = 32;
  Precision precision = Precision::kFloat32;
  double seconds = 1;  // for each model and size
};

// Prints a table for each model and size, with what the measured peak and
// bandwidth would allow; returns it as JSON. NOT_FOUND for an unknown model.
StatusOr<nlohmann::json> RunProfile(const ProfileOptions& options);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_PROFILE_H_
