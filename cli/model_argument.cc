#include "cli/model_argument.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "common/base/available_cpus.h"
#include "server/store/run_directory.h"

namespace fedgap {

namespace fs = std::filesystem;

StatusOr<fs::path> FindModel(const fs::path& argument) {
  std::error_code error;
  if (!fs::exists(argument, error) &&
      fs::is_directory(argument.parent_path() / "models", error)) {
    return absl::NotFoundError(fmt::format(
        "{} is not there: the run has not finished; give {} for its last "
        "committed model",
        argument.string(), argument.parent_path().string()));
  }
  if (!fs::is_directory(argument, error)) return argument;
  const RunDirectory run{argument};
  if (fs::exists(run.final_model(), error)) return run.final_model();
  Round last = -1;
  for (const auto& entry : fs::directory_iterator(argument / "models", error)) {
    last = std::max(last, RoundOfFileName(entry.path().filename().string()));
  }
  if (last >= 0) return run.round_file("models", last);
  return absl::NotFoundError(
      fmt::format("{} holds neither model.safetensors nor models/round-*: give "
                  "a model file or a run's directory",
                  argument.string()));
}

std::string ClassName(const ModelOrigin& origin, int label) {
  const auto i = static_cast<std::size_t>(label);
  return i < origin.class_names.size() ? origin.class_names[i]
                                       : std::to_string(label);
}

}  // namespace fedgap
