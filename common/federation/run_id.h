// What a run's id may look like.
#ifndef FEDGAP_COMMON_FEDERATION_RUN_ID_H_
#define FEDGAP_COMMON_FEDERATION_RUN_ID_H_

#include "common/base/status.h"
#include "common/federation/ids.h"

namespace fedgap {

// OK if `run` follows the rule of ValidateName (common/crypto/identity.h) with
// up to 128 characters: a client names a directory after it, and it comes from
// the server. Else INVALID_ARGUMENT.
Status ValidateRunId(const RunId& run);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_RUN_ID_H_
