#include "common/wire/join_wire.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "common/crypto/identity.h"
#include "common/federation/run_id.h"
#include "common/wire/limits.h"
#include "common/wire/message_reader.h"
#include "common/wire/model_spec_wire.h"

namespace fedgap {
namespace {

std::vector<std::string> ReadClassNames(MessageReader& in,
                                        const v1::JoinReply& proto) {
  in.Integer("class_names", proto.class_names_size(), 0, kMaxClasses);
  std::vector<std::string> names;
  std::set<std::string> known;
  for (const std::string& name : proto.class_names()) {
    if (!in.ok()) break;
    names.push_back(in.Text("class_names", name, kMaxClassNameBytes));
    in.Require(!name.empty(), "class_names", "has an empty name");
    in.Require(known.insert(name).second, "class_names",
               "has a name twice; a label must be one class");
  }
  return names;
}

}  // namespace

v1::JoinRequest ToProto(const JoinRequest& request) {
  v1::JoinRequest proto;
  proto.set_protocol_version(request.protocol_version);
  proto.set_software(PrintableText(request.software, kMaxNameBytes));
  proto.set_samples(request.samples);
  proto.set_min_pixels(request.min_pixels);
  proto.set_max_pixels(request.max_pixels);
  proto.set_probe(request.probe);
  proto.set_instance(request.instance);
  return proto;
}

StatusOr<JoinRequest> FromProto(const v1::JoinRequest& proto) {
  JoinRequest request;
  request.protocol_version = proto.protocol_version();
  if (request.protocol_version != kProtocolVersion) return request;
  MessageReader in("join");
  request.software = in.Text("software", proto.software(), kMaxNameBytes);
  request.samples = in.Integer("samples", proto.samples(), 0, kMaxCount);
  request.min_pixels =
      in.Integer("min_pixels", proto.min_pixels(), 0, kMaxCount);
  request.max_pixels = in.Integer("max_pixels", proto.max_pixels(),
                                  request.min_pixels, kMaxCount);
  request.probe = proto.probe();
  request.instance = proto.instance();
  FEDGAP_RETURN_IF_ERROR(in.status());
  return request;
}

v1::JoinReply ToProto(const JoinReply& reply) {
  v1::JoinReply proto;
  proto.set_protocol_version(kProtocolVersion);
  proto.set_run_id(reply.run.value);
  *proto.mutable_model() = ToProto(reply.model);
  proto.set_layout_hash(BytesOf(reply.layout_hash));
  proto.set_max_update_bytes(reply.max_update_bytes);
  for (const std::string& name : reply.class_names) {
    proto.add_class_names(PrintableText(name, kMaxClassNameBytes));
  }
  return proto;
}

StatusOr<JoinReply> FromProto(const v1::JoinReply& proto) {
  if (proto.protocol_version() != kProtocolVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "the server speaks protocol version {}, this client version {}; use "
        "the same release of fedgap on both sides",
        proto.protocol_version(), kProtocolVersion));
  }
  MessageReader in("join reply");
  JoinReply reply;
  reply.run = {proto.run_id()};
  in.Nested(Annotate(ValidateRunId(reply.run), "join reply.run_id"));
  reply.layout_hash = in.Digest("layout_hash", proto.layout_hash());
  reply.max_update_bytes = in.Integer(
      "max_update_bytes", proto.max_update_bytes(), 0, kMaxVectorBytes);
  reply.class_names = ReadClassNames(in, proto);
  FEDGAP_RETURN_IF_ERROR(in.status());
  FEDGAP_ASSIGN_OR_RETURN(reply.model, FromProto(proto.model()));
  return reply;
}

v1::Verdict ToProto(Verdict verdict) {
  return verdict == Verdict::kAccepted ? v1::VERDICT_ACCEPTED
                                       : v1::VERDICT_ALREADY_ACCEPTED;
}

StatusOr<Verdict> FromProto(v1::Verdict proto) {
  if (proto == v1::VERDICT_ACCEPTED) return Verdict::kAccepted;
  if (proto == v1::VERDICT_ALREADY_ACCEPTED) return Verdict::kAlreadyAccepted;
  return absl::InvalidArgumentError(
      fmt::format("verdict {} is unknown", static_cast<int>(proto)));
}

StatusOr<ModelId> ModelIdFromProto(const std::string& bytes) {
  MessageReader in("request");
  ModelId id{in.Digest("model_id", bytes)};
  FEDGAP_RETURN_IF_ERROR(in.status());
  return id;
}

std::string ModelIdToProto(const ModelId& id) { return BytesOf(id.digest); }

StatusOr<std::string> ReasonFromProto(const std::string& reason) {
  MessageReader in("request");
  std::string text = in.Text("reason", reason, kMaxReasonBytes);
  FEDGAP_RETURN_IF_ERROR(in.status());
  return text;
}

StatusOr<ClientName> ParseClientName(const std::string& name) {
  FEDGAP_RETURN_IF_ERROR(ValidateName(name, "the client's name"));
  return ClientName{name};
}

std::string ReasonToProto(const std::string& reason) {
  return PrintableText(reason, kMaxReasonBytes);
}

}  // namespace fedgap
