#include "common/wire/run_status_wire.h"

#include <algorithm>
#include <limits>

#include "common/federation/run_id.h"
#include "common/wire/join_wire.h"
#include "common/wire/limits.h"
#include "common/wire/message_reader.h"

namespace fedgap {
namespace {

constexpr int kMaxPage = 1000;
constexpr int kMaxInt = std::numeric_limits<int>::max();

}  // namespace

v1::RunStatus ToProto(const RunStatus& status) {
  v1::RunStatus proto;
  proto.set_run_id(status.run.value);
  // The proto values are the phases' plus one.
  proto.set_phase(
      static_cast<v1::RunPhase>(static_cast<int>(status.phase) + 1));
  proto.set_round(status.round);
  proto.set_last_committed(status.last_committed);
  proto.set_rounds(status.rounds);
  proto.set_cohort(status.cohort);
  proto.set_received(status.received);
  proto.set_connected(status.connected);
  proto.set_min_clients(status.min_clients);
  proto.set_model_id(BytesOf(status.model.digest));
  proto.set_reason(PrintableText(status.reason, kMaxReasonBytes));
  return proto;
}

StatusOr<RunStatus> FromProto(const v1::RunStatus& proto) {
  MessageReader in("run status");
  RunStatus status;
  status.run = {proto.run_id()};
  in.Nested(Annotate(ValidateRunId(status.run), "run status.run_id"));
  status.phase = static_cast<RunPhase>(
      in.Int("phase", static_cast<int>(proto.phase()), 1, 5) - 1);
  status.round = in.Integer("round", proto.round(), 0, kMaxRound);
  status.last_committed =
      in.Integer("last_committed", proto.last_committed(), 0, kMaxRound);
  status.rounds = in.Int("rounds", proto.rounds(), 0, kMaxInt);
  status.cohort = in.Int("cohort", proto.cohort(), 0, kMaxInt);
  status.received = in.Int("received", proto.received(), 0, kMaxInt);
  status.connected = in.Int("connected", proto.connected(), 0, kMaxInt);
  status.min_clients = in.Int("min_clients", proto.min_clients(), 0, kMaxInt);
  status.model = {in.Digest("model_id", proto.model_id())};
  status.reason = in.Text("reason", proto.reason(), kMaxReasonBytes);
  FEDGAP_RETURN_IF_ERROR(in.status());
  return status;
}

v1::ClientStatus ToProto(const ClientStatus& status) {
  v1::ClientStatus proto;
  proto.set_client(status.client.value);
  proto.set_connected(status.connected);
  proto.set_in_cohort(status.in_cohort);
  proto.set_answered(status.answered);
  proto.set_samples(status.samples);
  proto.set_accepted_updates(status.accepted_updates);
  proto.set_rejected_updates(status.rejected_updates);
  return proto;
}

StatusOr<ClientStatus> FromProto(const v1::ClientStatus& proto) {
  MessageReader in("client status");
  ClientStatus status;
  status.client = in.Take(ParseClientName(proto.client()));
  status.connected = proto.connected();
  status.in_cohort = proto.in_cohort();
  status.answered = proto.answered();
  status.samples = in.Integer("samples", proto.samples(), 0, kMaxCount);
  status.accepted_updates =
      in.Integer("accepted_updates", proto.accepted_updates(), 0, kMaxCount);
  status.rejected_updates =
      in.Integer("rejected_updates", proto.rejected_updates(), 0, kMaxCount);
  FEDGAP_RETURN_IF_ERROR(in.status());
  return status;
}

v1::ClientsReply ClientsPage(const RunStatus& status,
                             const v1::ClientsRequest& request) {
  const int limit = request.limit() > 0 && request.limit() <= kMaxPage
                        ? request.limit()
                        : kMaxPage;
  v1::ClientsReply reply;
  auto next = std::upper_bound(
      status.clients.begin(), status.clients.end(), request.after(),
      [](const std::string& after, const ClientStatus& client) {
        return after < client.client.value;
      });
  while (next != status.clients.end() && reply.clients_size() < limit) {
    *reply.add_clients() = ToProto(*next++);
  }
  reply.set_more(next != status.clients.end());
  return reply;
}

}  // namespace fedgap
