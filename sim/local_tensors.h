// The tensors that stay with simulated clients (FedBN).
#ifndef FEDGAP_SIM_LOCAL_TENSORS_H_
#define FEDGAP_SIM_LOCAL_TENSORS_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// Kept for the clients that have some, and provisional until their round is
// committed, as a real client keeps them. On disk a file a round holds what
// that round changed (RUN/local/round-000012.safetensors, a tensor a client),
// written before the commit; a file of a round that was never committed counts
// for nothing. Of may be called from any thread while nothing else is.
class LocalTensors {
 public:
  // `elements` a client; 0: the model has none, and nothing is ever written.
  LocalTensors(std::filesystem::path directory, std::int64_t elements)
      : directory_(std::move(directory)), elements_(elements) {}

  // Reads what the rounds up to `last` left. DATA_LOSS for a file that is
  // broken.
  Status Restore(Round last);

  // Empty for a client that was never in a committed round.
  std::span<const float> Of(const ClientName& client) const;

  // After a client's training in the open round.
  void Propose(const ClientName& client, Parameters tensors);
  // Before the commit: what was proposed is on the disk. Errors of writing.
  Status Save(Round round) const;
  // After it.
  void Promote();
  // The round is void.
  void Drop() { proposed_.clear(); }

 private:
  std::filesystem::path FileOf(Round round) const;

  const std::filesystem::path directory_;
  const std::int64_t elements_;
  std::map<ClientName, Parameters> promoted_;
  std::map<ClientName, Parameters> proposed_;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_LOCAL_TENSORS_H_
