// The [sweep] section of a simulation's configuration.
#ifndef FEDGAP_SIM_SWEEP_CONFIG_H_
#define FEDGAP_SIM_SWEEP_CONFIG_H_

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/config/config_schema.h"

namespace fedgap {

// Which runs are made of one configuration. No part of what a run is, hence
// never stored with one.
struct SweepConfig {
  std::vector<std::string> grid;  // as --sweep takes them
  std::string baseline;           // as --baseline takes it
};

// Declares every key over the fields of `config`.
void BindSweepConfig(SweepConfig& config, ConfigSchema& schema);

// Reads the section. Every key of the others must be one, too.
// INVALID_ARGUMENT lists every mistake.
StatusOr<SweepConfig> ParseSweepConfig(const ConfigSources& sources);

// The table of docs/CONFIG.md.
std::string SweepReference();

}  // namespace fedgap

#endif  // FEDGAP_SIM_SWEEP_CONFIG_H_
