// Names of things that both sides speak of.
#ifndef FEDGAP_COMMON_FEDERATION_IDS_H_
#define FEDGAP_COMMON_FEDERATION_IDS_H_

#include <compare>
#include <cstdint>
#include <string>

#include "common/crypto/sha256.h"

namespace fedgap {

// A client's name, the last part of its certificate's identity: 1 to 64
// characters of a-z A-Z 0-9 . _ - (in the simulator, made up).
struct ClientName {
  std::string value;
  auto operator<=>(const ClientName&) const = default;
};

// The id of a run: "<name>-<16 hex digits>".
struct RunId {
  std::string value;
  auto operator<=>(const RunId&) const = default;
};

// Rounds count from 1; 0 stands for "before the first".
using Round = std::int64_t;

// SHA-256(layout hash, SHA-256 of each 1 MiB chunk of the little-endian
// buffer); see model_id.h.
struct ModelId {
  Sha256Digest digest{};
  auto operator<=>(const ModelId&) const = default;
};

// The idempotency key of a task: one a client and round and attempt.
struct TaskId {
  std::string value;
  auto operator<=>(const TaskId&) const = default;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_IDS_H_
