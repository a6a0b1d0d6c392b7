// The state of a run on the wire, for operators.
#ifndef FEDGAP_COMMON_WIRE_RUN_STATUS_WIRE_H_
#define FEDGAP_COMMON_WIRE_RUN_STATUS_WIRE_H_

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/run_status.h"
#include "fedgap/v1/admin.pb.h"

namespace fedgap {

// Clients travel by themselves, page by page.
v1::RunStatus ToProto(const RunStatus& status);
// INVALID_ARGUMENT names the field; `clients` stays empty.
StatusOr<RunStatus> FromProto(const v1::RunStatus& proto);

v1::ClientStatus ToProto(const ClientStatus& status);
StatusOr<ClientStatus> FromProto(const v1::ClientStatus& proto);

// The page of `status.clients` (ascending by name) that is asked for.
v1::ClientsReply ClientsPage(const RunStatus& status,
                             const v1::ClientsRequest& request);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_RUN_STATUS_WIRE_H_
