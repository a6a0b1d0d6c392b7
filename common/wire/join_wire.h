// The first words between a client and the server, on the wire.
#ifndef FEDGAP_COMMON_WIRE_JOIN_WIRE_H_
#define FEDGAP_COMMON_WIRE_JOIN_WIRE_H_

#include <string>

#include "common/base/status.h"
#include "common/federation/join.h"
#include "fedgap/v1/federation.pb.h"

namespace fedgap {

v1::JoinRequest ToProto(const JoinRequest& request);
// INVALID_ARGUMENT names the field. A request of another protocol version
// gives that version and nothing else: it is for the caller to refuse.
StatusOr<JoinRequest> FromProto(const v1::JoinRequest& proto);

v1::JoinReply ToProto(const JoinReply& reply);
// FAILED_PRECONDITION: another protocol or model version, naming both.
// INVALID_ARGUMENT names the field.
StatusOr<JoinReply> FromProto(const v1::JoinReply& proto);

v1::Verdict ToProto(Verdict verdict);
StatusOr<Verdict> FromProto(v1::Verdict proto);

StatusOr<ModelId> ModelIdFromProto(const std::string& bytes);
std::string ModelIdToProto(const ModelId& id);

// A reason that a client or an operator gives: at most 1024 bytes of text.
StatusOr<std::string> ReasonFromProto(const std::string& reason);
// Cut to that, control characters made spaces.
std::string ReasonToProto(const std::string& reason);

// The name of a client; the rule of ValidateName (common/crypto/identity.h).
StatusOr<ClientName> ParseClientName(const std::string& name);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_JOIN_WIRE_H_
