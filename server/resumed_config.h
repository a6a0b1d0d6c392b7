// What --resume goes on with.
#ifndef FEDGAP_SERVER_RESUMED_CONFIG_H_
#define FEDGAP_SERVER_RESUMED_CONFIG_H_

#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/run_config.h"

namespace fedgap {

// The configuration of the run in `directory`, as it took effect. NOT_FOUND if
// there is no run. A run keeps its configuration: INVALID_ARGUMENT if `given`
// (that of --config) is another, or if `overrides` (key=value) set anything but
// [server] keys, or another run_dir.
StatusOr<RunConfig> ResumedConfig(const std::string& directory,
                                  const std::optional<RunConfig>& given,
                                  const std::vector<std::string>& overrides);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RESUMED_CONFIG_H_
