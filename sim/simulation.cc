#include "sim/simulation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/available_cpus.h"
#include "common/base/clock.h"
#include "common/config/run_config_toml.h"
#include "common/nn/other_bits.h"
#include "common/nn/scratch_limit.h"
#include "server/core/run_opening.h"
#include "server/evaluation/define_run.h"
#include "server/store/recorded_run.h"
#include "server/store/run_inspection.h"
#include "sim/baseline.h"
#include "sim/drawn_population.h"
#include "sim/rank_agreement.h"
#include "sim/rank_leader.h"
#include "sim/rank_worker.h"
#include "sim/roster.h"
#include "sim/simulator.h"

namespace fedgap {

StatusOr<SimulationDefinition> ParseSimulation(const ConfigSources& sources) {
  SimulationDefinition definition;
  ConfigSchema schema;
  BindRunConfig(definition.run, schema);
  BindSimulationConfig(definition.simulation, schema);
  FEDGAP_RETURN_IF_ERROR(schema.Load(sources));
  FEDGAP_RETURN_IF_ERROR(Validate(definition.run));
  return definition;
}

std::string ToToml(const SimulationDefinition& definition) {
  SimulationDefinition copy = definition;
  ConfigSchema schema;
  BindRunConfig(copy.run, schema);
  BindSimulationConfig(copy.simulation, schema);
  return schema.ToToml();
}

StatusOr<std::unique_ptr<Population>> MakePopulation(
    const SimulationConfig& config, const SharedForm& form) {
  if (config.clients.empty() == (config.population == 0)) {
    return absl::InvalidArgumentError(
        config.population == 0
            ? "no clients: give simulation.population = N, or a roster in "
              "simulation.clients"
            : "simulation.population and simulation.clients: give one of "
              "them");
  }
  if (config.population > 0) return DrawnPopulation::Create(config, form);
  return RosterPopulation::Create(config, form);
}

StatusOr<std::filesystem::path> RunDirOf(const SimulationDefinition& definition,
                                         const SimulationSettings& settings) {
  if (!settings.run_dir.empty()) return settings.run_dir;
  const std::filesystem::path runs = "runs";
  if (settings.replay.empty()) return runs / definition.run.name;
  // Runs of one name have each its own.
  FEDGAP_ASSIGN_OR_RETURN(const HeldRun held, FindHeldRun(settings.replay));
  return runs / (held.record.run.value + "-replay");
}

namespace {

// What every rank makes of the configuration.
struct PreparedSimulation {
  DefinedRun defined;
  std::unique_ptr<Population> population;
};

// Only the root evaluates.
StatusOr<PreparedSimulation> Prepare(const SimulationDefinition& definition,
                                     int threads, bool is_root) {
  std::optional<ImageSize> resize;
  if (!definition.simulation.resize.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(resize,
                            ParseImageSize(definition.simulation.resize));
  }
  FEDGAP_ASSIGN_OR_RETURN(RunConfig config,
                          ApplyBaseline(definition.simulation, definition.run));
  if (config.evaluation.threads == 0) config.evaluation.threads = threads;
  if (config.aggregation.threads == 0) config.aggregation.threads = threads;
  PreparedSimulation prepared;
  FEDGAP_ASSIGN_OR_RETURN(prepared.defined,
                          DefineRun(config, ToToml(definition),
                                    {.resize = resize, .evaluates = is_root}));
  RunDefinition& run = prepared.defined.definition;
  const ScratchLimit limit(*prepared.defined.model,
                           ScratchLimit::Work::kMixedTraining);
  FEDGAP_ASSIGN_OR_RETURN(
      std::unique_ptr<Population> population,
      MakePopulation(definition.simulation,
                     {.channels = prepared.defined.model->spec().input_channels,
                      .class_names = run.class_names,
                      .check_image = [&limit](ImageSize size) {
                        return limit.CheckImage(size);
                      }}));
  FEDGAP_ASSIGN_OR_RETURN(
      prepared.population,
      ApplyBaseline(definition.simulation, std::move(population)));
  if (run.class_names.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(const auto data, prepared.population->DataOf(0));
    run.class_names = data->class_names();
  }
  return prepared;
}

// ComparableToml, [simulation] included.
StatusOr<std::string> ComparableSimulation(const std::string& toml) {
  ConfigSources sources;
  sources.file_text = toml;
  FEDGAP_ASSIGN_OR_RETURN(SimulationDefinition definition,
                          ParseSimulation(sources));
  definition.run = WithDefaultThreads(std::move(definition.run));
  return ToToml(definition);
}

// The other ranks begin with this simulation.
Status Announce(const SimulationDefinition& definition, RankGroup& ranks) {
  const std::string toml = ToToml(definition);
  return ranks.Broadcast({toml.begin(), toml.end()}).status();
}

}  // namespace

StatusOr<RunReport> RunSimulation(const SimulationDefinition& definition,
                                  const SimulationSettings& settings,
                                  const Interruption& interruption) {
  const SystemClock clock;
  Simulator::Options options;
  options.threads = ThreadsFor(settings.threads);
  options.behavior = definition.simulation;
  options.final_evaluation_clients =
      static_cast<std::size_t>(definition.simulation.final_evaluation_clients);
  FEDGAP_ASSIGN_OR_RETURN(
      PreparedSimulation prepared,
      Prepare(definition, options.threads, /*is_root=*/true));
  options.run = std::move(prepared.defined.definition);
  if (settings.ranks != nullptr) {
    FEDGAP_RETURN_IF_ERROR(Announce(definition, *settings.ranks));
  }
  // From here on the others serve it; at its end they hear that all is over.
  RankLeader leader(settings.ranks);
  if (!leader.alone()) {
    FEDGAP_RETURN_IF_ERROR(CheckSameSetup(
        *settings.ranks, SetupOf(options.run.model, *prepared.population)));
  }
  std::optional<Replay> replay;
  if (!settings.replay.empty()) {
    options.behavior = {};
    FEDGAP_ASSIGN_OR_RETURN(RecordedRounds recorded,
                            ReadRecordedRounds(settings.replay));
    FEDGAP_ASSIGN_OR_RETURN(
        replay, Replay::Create(std::move(recorded), *prepared.population));
  }

  FEDGAP_ASSIGN_OR_RETURN(const std::filesystem::path directory,
                          RunDirOf(definition, settings));
  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<RecordedRun> run,
      RecordedRun::Open({.directory = directory,
                         .config_toml = options.run.config_toml,
                         .comparable = ComparableSimulation,
                         .keep_models = options.run.config.keep_models,
                         .progress = settings.progress},
                        clock));
  if (run->is_new()) {
    FEDGAP_RETURN_IF_ERROR(ReadInitial(*prepared.defined.model, options.run));
  }
  options.local_tensors = run->store().directory().root / "local";
  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Simulator> simulator,
      Simulator::Create(
          std::move(options),
          {clock, run->store(), run->events(), prepared.defined.evaluator.get(),
           *prepared.population, interruption, &leader,
           replay.has_value() ? &*replay : nullptr}));
  FEDGAP_RETURN_IF_ERROR(run->EmitWhatWasLost());
  if (const std::string other = OtherBits(); !other.empty()) {
    run->events().Emit(WarningEvent{other});
  }
  const Status status = simulator->Run();
  const Status reported = run->WriteReport();
  FEDGAP_RETURN_IF_ERROR(status);
  FEDGAP_RETURN_IF_ERROR(reported);
  return run->Report();
}

Status ServeSimulations(RankGroup& ranks, int threads,
                        const Interruption& interruption) {
  const SystemClock clock;
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const RankGroup::Bytes toml, ranks.Broadcast({}));
    if (toml.empty()) return absl::OkStatus();
    ConfigSources sources;
    sources.file_name = "the root's configuration";
    sources.file_text.assign(toml.begin(), toml.end());
    FEDGAP_ASSIGN_OR_RETURN(const SimulationDefinition definition,
                            ParseSimulation(sources));
    FEDGAP_ASSIGN_OR_RETURN(
        PreparedSimulation prepared,
        Prepare(definition, ThreadsFor(threads), /*is_root=*/false));
    RunDefinition& run = prepared.defined.definition;
    FEDGAP_ASSIGN_OR_RETURN(const std::unique_ptr<const Model> model,
                            PrepareRun(run));
    FEDGAP_RETURN_IF_ERROR(
        CheckSameSetup(ranks, SetupOf(run.model, *prepared.population)));
    RankWorker worker(
        ThreadsFor(threads),
        {ranks, run.config, *model, clock, *prepared.population, interruption});
    FEDGAP_RETURN_IF_ERROR(worker.Serve());
  }
}

Status EndSimulations(RankGroup& ranks) { return ranks.Broadcast({}).status(); }

}  // namespace fedgap
