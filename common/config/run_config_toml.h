// RunConfig as TOML: docs/CONFIG.md says what stands in the file.
#ifndef FEDGAP_COMMON_CONFIG_RUN_CONFIG_TOML_H_
#define FEDGAP_COMMON_CONFIG_RUN_CONFIG_TOML_H_

#include <string>

#include "common/base/status.h"
#include "common/config/config_schema.h"
#include "common/federation/run_config.h"

namespace fedgap {

// Declares every key of a run over the fields of `config`, which must outlive
// the schema. The sections that programs add for themselves ([server],
// [client], [simulation]) are passed over unless they are declared too. After
// Load, call Validate(config).
void BindRunConfig(RunConfig& config, ConfigSchema& schema);

// Reads and validates a whole run. INVALID_ARGUMENT lists every mistake (see
// ConfigSchema::Load and Validate).
StatusOr<RunConfig> ParseRunConfig(const ConfigSources& sources);

// Every key with its value; ParseRunConfig of it gives the same configuration.
std::string ToToml(const RunConfig& config);

// With the numbers of threads at their defaults: no bit of a run hangs on them,
// and it may be gone on with on another machine.
RunConfig WithDefaultThreads(RunConfig config);

// `toml`, which an earlier version may have written, as this one writes it, and
// WithDefaultThreads: equal texts are one run. The errors of ParseRunConfig.
StatusOr<std::string> ComparableToml(const std::string& toml);

// The tables of docs/CONFIG.md.
std::string ConfigReference();

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CONFIG_RUN_CONFIG_TOML_H_
