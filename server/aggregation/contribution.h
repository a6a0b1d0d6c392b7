// What aggregation needs to know of one accepted update.
#ifndef FEDGAP_SERVER_AGGREGATION_CONTRIBUTION_H_
#define FEDGAP_SERVER_AGGREGATION_CONTRIBUTION_H_

#include <cstdint>
#include <memory>
#include <span>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/update.h"

namespace fedgap {

// A large vector that stands in memory or in a staged file. Thread-safe.
class VectorSource {
 public:
  virtual ~VectorSource() = default;
  virtual std::int64_t elements() const = 0;
  // Reads out.size() elements from `begin`. DATA_LOSS if the file is short.
  virtual Status Read(std::int64_t begin, std::span<float> out) const = 0;
  // The whole vector if it stands in memory, else an empty span.
  virtual std::span<const float> InMemory() const { return {}; }
};

// A validated update of the round: finite, of the right length, within bounds
// (docs/PROTOCOL.md), from a client of the cohort, the first of that client.
struct Contribution {
  ClientName client;
  UpdateInfo info;
  std::shared_ptr<const VectorSource> delta;
  // Multiplies delta where the norm was clipped; exactly 1 otherwise.
  double scale = 1.0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_CONTRIBUTION_H_
