// An update on its way into a round.
#ifndef FEDGAP_SERVER_CORE_SUBMISSION_H_
#define FEDGAP_SERVER_CORE_SUBMISSION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "common/crypto/sha256.h"
#include "common/federation/ids.h"
#include "common/federation/update.h"
#include "server/aggregation/contribution.h"

namespace fedgap {

// What a client announces before it uploads.
struct UploadHeader {
  TaskId task;
  Sha256Digest layout_hash{};
  std::int64_t elements = 0;
  std::string digest;  // XXH3-128 of delta's little-endian bytes, hex
};

enum class UploadDecision { kSend, kAlreadyAccepted };

// A whole update, its bytes checked against the header.
struct Submission {
  UploadHeader header;
  UpdateInfo info;
  // Null for an evaluate task. Dropped as soon as it is aggregated.
  std::shared_ptr<const VectorSource> delta;
  std::int64_t wire_bytes = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_SUBMISSION_H_
