// The [simulation] section of a configuration.
#ifndef FEDGAP_SIM_SIMULATION_CONFIG_H_
#define FEDGAP_SIM_SIMULATION_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/config_schema.h"

namespace fedgap {

// Which clients there are, and what they hold. Part of what a run is: stored
// with it.
struct SimulationConfig {
  std::string data;  // as --data takes it; its training part is dealt out
  // One text a client, "NAME [data=D] [part=I/N] [partition=P] [seed=S]
  // [resolution=R]": a roster, as real clients would be started.
  std::vector<std::string> clients;
  // Or this many clients over `data`.
  std::int64_t population = 0;
  // As clients' --partition, or "virtual[:ALPHA]": every client draws its
  // samples with replacement, so there may be more clients than samples.
  std::string partition = "iid";
  std::int64_t samples_per_client = 100;  // virtual only
  std::uint64_t seed = 1;                 // of who holds what
  std::string resolutions;                // ResolutionDistribution, or "native"
  double size_class_correlation = 0;
  double samples_by_pixels = 0;
  std::string resize;  // the rival: every image brought to this size
  // Behaviour in virtual time; see behavior.h.
  double availability = 1;
  double drop_out = 0;
  double seconds_per_megapixel = 0;
  double speed_spread = 0;
  // Yardsticks; see baseline.h.
  std::string one_size;
  std::string only;
  bool central = false;
  std::int64_t final_evaluation_clients = 1000;
};

// Declares every key over the fields of `config`.
void BindSimulationConfig(SimulationConfig& config, ConfigSchema& schema);

// The table of docs/CONFIG.md.
std::string SimulationReference();

}  // namespace fedgap

#endif  // FEDGAP_SIM_SIMULATION_CONFIG_H_
