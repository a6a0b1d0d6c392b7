#include "sim/run_sweep.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "common/base/file_io.h"

namespace fedgap {
namespace {

StatusOr<std::vector<SimulationDefinition>> DefinePoints(
    const SweepPlan& plan, const std::vector<SweepPoint>& points) {
  std::vector<SimulationDefinition> definitions;
  for (const SweepPoint& point : points) {
    ConfigSources sources = plan.sources;
    sources.overrides.insert(sources.overrides.end(), point.overrides.begin(),
                             point.overrides.end());
    FEDGAP_ASSIGN_OR_RETURN(definitions.emplace_back(),
                            ParseSimulation(sources));
  }
  return definitions;
}

Status WriteTables(const SweepPlan& plan, const std::filesystem::path& root,
                   const std::vector<SweepResult>& results) {
  FEDGAP_RETURN_IF_ERROR(
      WriteFileAtomic(root / "sweep.csv", ToCsv(plan.axes, results)));
  return WriteFileAtomic(root / "summary.txt", ToSummary(plan.axes, results));
}

}  // namespace

StatusOr<std::vector<SweepResult>> RunSweep(const SweepPlan& plan,
                                            const SimulationSettings& settings,
                                            const Interruption& interruption) {
  const std::vector<SweepPoint> points = Grid(plan.axes);
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<SimulationDefinition> definitions,
                          DefinePoints(plan, points));
  std::vector<SweepResult> results;
  for (std::size_t i = 0; i < points.size(); ++i) {
    SweepResult result{points[i], DirectoryOf(plan.axes, points[i]), {}};
    if (plan.on_run) plan.on_run({result.directory, i + 1, points.size()});
    SimulationSettings own = settings;
    own.run_dir = settings.run_dir / result.directory;
    FEDGAP_ASSIGN_OR_RETURN(result.report,
                            RunSimulation(definitions[i], own, interruption));
    if (interruption.requested()) {
      return absl::CancelledError(fmt::format(
          "the sweep was stopped ({}) after {} of {} runs; the same command "
          "goes on with it",
          interruption.reason(), results.size(), points.size()));
    }
    results.push_back(std::move(result));
    FEDGAP_RETURN_IF_ERROR(WriteTables(plan, settings.run_dir, results));
  }
  return results;
}

}  // namespace fedgap
