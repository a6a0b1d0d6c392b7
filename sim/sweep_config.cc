#include "sim/sweep_config.h"

#include "common/config/run_config_toml.h"
#include "sim/simulation_config.h"

namespace fedgap {

void BindSweepConfig(SweepConfig& config, ConfigSchema& schema) {
  schema
      .Section("sweep",
               "Many runs of this configuration (`fedgap simulate`); "
               "[SIMULATION.md](SIMULATION.md) explains it.")
      .Texts("grid", &config.grid,
             "a key and its values each, as `--sweep` takes them: "
             "\"run.seed=1,2,3\"; a run for each combination")
      .Text("baseline", &config.baseline,
            "what to run in place of the federation, as `--baseline` takes it");
}

StatusOr<SweepConfig> ParseSweepConfig(const ConfigSources& sources) {
  SweepConfig sweep;
  RunConfig run;
  SimulationConfig simulation;
  ConfigSchema schema;
  BindRunConfig(run, schema);
  BindSimulationConfig(simulation, schema);
  BindSweepConfig(sweep, schema);
  FEDGAP_RETURN_IF_ERROR(schema.Load(sources));
  return sweep;
}

std::string SweepReference() {
  SweepConfig config;
  ConfigSchema schema;
  BindSweepConfig(config, schema);
  return schema.Reference();
}

}  // namespace fedgap
