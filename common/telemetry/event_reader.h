// Reads an event log back.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_READER_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_READER_H_

#include <filesystem>
#include <functional>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/telemetry/event_json.h"

namespace fedgap {

// Calls `take` for each event in the segments of `directory`, in order; event
// types of newer versions are passed over, as is half a last line of the last
// segment (a crash, or a log that is being written). An empty or missing
// directory has no events. DATA_LOSS names segment and line of anything else
// that cannot be read; what came before was taken.
Status ReadEvents(const std::filesystem::path& directory,
                  const std::function<void(const LoggedEvent&)>& take);

// The round of the last round_committed event; 0 if there is none. Looks from
// the end and no further than it must.
StatusOr<Round> LastCommittedRoundInLog(const std::filesystem::path& directory);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_READER_H_
