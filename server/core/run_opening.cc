#include "server/core/run_opening.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <utility>

#include "common/base/printable_text.h"
#include "common/crypto/secure_random.h"
#include "common/federation/bounds.h"
#include "common/federation/model_id.h"

namespace fedgap {
namespace {

RunId MakeRunId(const std::string& name) {
  return {fmt::format("{}-{:016x}", name, RandomUint64())};
}

Status CheckSameModel(const RestoredRun& restored,
                      const std::string& layout_hash) {
  if (restored.record.layout_hash == layout_hash) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "the run directory holds run {} with another model (layout {}, not {}); "
      "give another --run-dir",
      restored.record.run.value, restored.record.layout_hash, layout_hash));
}

// Other names, or the same in another order, are another meaning of the labels.
Status CheckSameClasses(const RestoredRun& restored,
                        const std::vector<std::string>& names) {
  const std::vector<std::string>& stored = restored.record.class_names;
  if (stored.empty() || names.empty() || stored == names) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      fmt::format("the run directory holds run {} with the classes {}, not {}; "
                  "give another --run-dir",
                  restored.record.run.value, fmt::join(stored, ", "),
                  fmt::join(names, ", ")));
}

Status CheckClassNames(const std::vector<std::string>& names,
                       const Model& model) {
  if (std::ssize(names) > model.classes()) {
    return absl::InvalidArgumentError(
        fmt::format("there are {} class names, model {} has {} classes",
                    names.size(), model.spec().name, model.classes()));
  }
  std::set<std::string> known;
  for (const std::string& name : names) {
    if (name.empty() || !known.insert(name).second) {
      return absl::InvalidArgumentError(
          fmt::format("the class name '{}' is empty or there twice", name));
    }
    if (!IsPrintableUtf8(name) || name.size() > kMaxClassNameBytes) {
      return absl::InvalidArgumentError(fmt::format(
          "the class name of label {} has control characters, is no UTF-8 or "
          "has more than {} bytes",
          known.size() - 1, kMaxClassNameBytes));
    }
  }
  return absl::OkStatus();
}

RunRecord RecordOf(const RunDefinition& definition, const Model& model,
                   const std::string& layout_hash) {
  RunRecord record;
  record.run = MakeRunId(definition.config.name);
  record.config_toml = definition.config_toml;
  record.model_json = ToJson(model.spec());
  record.class_names = definition.class_names;
  record.layout_hash = layout_hash;
  return record;
}

RunStartedEvent DescribeStart(const RunDefinition& definition,
                              const Model& model,
                              const std::string& layout_hash,
                              const RunProgress& progress) {
  const RunConfig& config = definition.config;
  RunStartedEvent event;
  event.name = config.name;
  event.seed = config.seed;
  event.rounds = config.rounds;
  event.model = model.spec().name;
  event.parameters = model.layout().federated_range().size();
  event.layout_hash = layout_hash;
  event.initial_model = progress.snapshot()->id();
  for (int g = 0; g < config.groups.count(); ++g) {
    event.group_labels.push_back(config.groups.Label(g));
  }
  event.class_names = definition.class_names;
  event.config_toml = definition.config_toml;
  event.software = definition.software;
  event.last_committed = progress.last_committed();
  return event;
}

}  // namespace

StatusOr<std::unique_ptr<const Model>> PrepareRun(RunDefinition& definition) {
  definition.config.evaluation.local.groups = definition.config.groups;
  FEDGAP_RETURN_IF_ERROR(Validate(definition.config));
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<const Model> model,
                          Model::Create(definition.model));
  FEDGAP_RETURN_IF_ERROR(CheckClassNames(definition.class_names, *model));
  if (definition.initial.has_value() &&
      std::ssize(*definition.initial) != model->layout().elements()) {
    return absl::InvalidArgumentError(
        fmt::format("the initial model has {} parameters, {} needs {}",
                    definition.initial->size(), definition.model.name,
                    model->layout().elements()));
  }
  if (model->layout().range(TensorRole::kPerGroup).size() > 0) {
    return absl::UnimplementedError(
        "tensors with role per_group cannot be aggregated yet; use shared or "
        "local");
  }
  return model;
}

StatusOr<OpenedRun> OpenRun(const RunDefinition& definition, const Model& model,
                            RunStore& store, EventSink& events,
                            RunProgress& progress) {
  const std::string layout_hash = ToHex(LayoutHash(model.layout()));
  FEDGAP_ASSIGN_OR_RETURN(std::optional<RestoredRun> restored, store.Restore());
  OpenedRun opened;
  std::string finished_reason;
  const bool resumed = restored.has_value();
  if (resumed) {
    FEDGAP_RETURN_IF_ERROR(CheckSameModel(*restored, layout_hash));
    FEDGAP_RETURN_IF_ERROR(CheckSameClasses(*restored, definition.class_names));
    opened = {restored->record.run, restored->finished, restored->seconds};
    finished_reason = restored->finished_reason;
    FEDGAP_RETURN_IF_ERROR(progress.Restore(*std::move(restored)));
  } else {
    const RunRecord record = RecordOf(definition, model, layout_hash);
    opened.run = record.run;
    FEDGAP_RETURN_IF_ERROR(progress.Start(
        record, definition.initial.has_value()
                    ? *definition.initial
                    : model.InitialParameters(definition.config.seed)));
  }
  RunStartedEvent event =
      DescribeStart(definition, model, layout_hash, progress);
  event.run = opened.run;
  event.resumed = resumed;
  events.Emit(event);
  if (opened.finished) {
    // Each start of a run that is over says how it ended: the last time's
    // event may not have reached the log.
    events.Emit(RunFinishedEvent{finished_reason, progress.snapshot()->id(),
                                 progress.last_committed(),
                                 opened.seconds_before});
  }
  events.Flush();
  return opened;
}

}  // namespace fedgap
