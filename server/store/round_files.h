// The safetensors files of a round, as bytes: what the database does not hold.
// docs/RUN_DIRECTORY.md has their tensors.
#ifndef FEDGAP_SERVER_STORE_ROUND_FILES_H_
#define FEDGAP_SERVER_STORE_ROUND_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/safetensors.h"
#include "server/core/run_store.h"

namespace fedgap {

// "round-000012.safetensors".
std::string RoundFileName(Round round);
// The round of such a name, or -1.
Round RoundOfFileName(const std::string& name);

// What a resumed run needs beside the models.
struct RoundState {
  OptimizerState optimizer;
  Prototypes prototypes;
};
// Borrows the commit.
SafetensorsWriter RoundStateWriter(const RoundCommit& commit);
StatusOr<RoundState> ParseRoundState(std::vector<std::uint8_t> bytes);

// Borrows `pooled`.
SafetensorsWriter PooledWriter(const std::vector<PooledRecord>& pooled,
                               Round round);
StatusOr<std::vector<PooledRecord>> ParsePooled(
    std::vector<std::uint8_t> bytes);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_ROUND_FILES_H_
