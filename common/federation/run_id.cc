#include "common/federation/run_id.h"

#include "common/crypto/identity.h"

namespace fedgap {

Status ValidateRunId(const RunId& run) {
  constexpr std::size_t kMaxRunIdLength = 128;
  return ValidateName(run.value, "the run's id", kMaxRunIdLength);
}

}  // namespace fedgap
