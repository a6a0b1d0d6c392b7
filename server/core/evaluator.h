// The server's own look at a global model.
#ifndef FEDGAP_SERVER_CORE_EVALUATOR_H_
#define FEDGAP_SERVER_CORE_EVALUATOR_H_

#include <span>

#include "common/base/status.h"
#include "common/telemetry/events.h"
#include "server/core/run_store.h"

namespace fedgap {

// Implementations: HeldOutEvaluator (server/evaluation), FakeEvaluator in
// tests. Called from one thread at a time; may take seconds.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // `parameters` is the whole buffer in layout order.
  virtual StatusOr<ServerEvaluation> Evaluate(std::span<const float> parameters,
                                              const Prototypes& prototypes) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_EVALUATOR_H_
