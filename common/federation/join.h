// The first words between a client and the server.
#ifndef FEDGAP_COMMON_FEDERATION_JOIN_H_
#define FEDGAP_COMMON_FEDERATION_JOIN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/federation/ids.h"
#include "common/federation/update.h"
#include "common/nn/model_spec.h"

namespace fedgap {

// The version of the wire contract. Client and server must agree on it.
inline constexpr int kProtocolVersion = 2;

struct JoinRequest {
  int protocol_version = kProtocolVersion;
  std::string software;  // "fedgap 0.1.0", for the log
  // What the client holds, before any split (for the registry and the log;
  // weights come from updates).
  std::int64_t samples = 0;
  std::int64_t min_pixels = 0;  // of one image
  std::int64_t max_pixels = 0;
  bool probe = false;  // only looks: gets the reply and joins nothing
  // Drawn by each start of a client; 0: not told. Tells two programs with one
  // certificate from one that comes back.
  std::uint64_t instance = 0;
  bool operator==(const JoinRequest&) const = default;
};

struct JoinReply {
  RunId run;
  ModelSpec model;
  Sha256Digest layout_hash{};
  std::int64_t max_update_bytes = 0;
  // In the order of the labels; none where the server knows no names.
  std::vector<std::string> class_names;
  bool operator==(const JoinReply&) const = default;
};

// The server's answer to a whole update.
enum class Verdict {
  kAccepted,         // it counts
  kAlreadyAccepted,  // the same bytes were accepted before
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_JOIN_H_
