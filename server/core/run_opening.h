// How a run begins, or goes on, whoever moves it through its rounds.
#ifndef FEDGAP_SERVER_CORE_RUN_OPENING_H_
#define FEDGAP_SERVER_CORE_RUN_OPENING_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/run_config.h"
#include "common/nn/model.h"
#include "common/telemetry/events.h"
#include "common/tensor/parameters.h"
#include "server/core/run_progress.h"
#include "server/core/run_store.h"

namespace fedgap {

// All that makes a run what it is, but for its clients.
struct RunDefinition {
  RunConfig config;
  std::string config_toml;  // as it took effect, for the record
  ModelSpec model;
  // Start from these (the whole buffer) instead of the seed's.
  std::optional<Parameters> initial;
  std::string software;
  // Of labels 0, 1, ...; clients map theirs to these. None: no names known.
  std::vector<std::string> class_names;
};

// The model of a run whose parts fit together; copies the resolution groups
// into the evaluation, where tasks and validation look for them.
// INVALID_ARGUMENT for an impossible configuration, UNIMPLEMENTED for a model
// that cannot be aggregated.
StatusOr<std::unique_ptr<const Model>> PrepareRun(RunDefinition& definition);

struct OpenedRun {
  RunId run;
  bool finished = false;      // nothing is left to do
  double seconds_before = 0;  // of training before a restart
};

// A new run, or the one that `store` holds, continued: `progress` stands at its
// last commit, and its run_started event is on the disk, as is its run_finished
// event if nothing is left to do. FAILED_PRECONDITION if
// the stored run has another model or other classes, errors of the store.
StatusOr<OpenedRun> OpenRun(const RunDefinition& definition, const Model& model,
                            RunStore& store, EventSink& events,
                            RunProgress& progress);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_RUN_OPENING_H_
