#include "server/resumed_config.h"

#include <fmt/format.h>

#include <string_view>

#include "common/config/run_config_toml.h"
#include "server/store/recorded_run.h"
#include "server/store/run_directory.h"

namespace fedgap {

StatusOr<RunConfig> ResumedConfig(const std::string& directory,
                                  const std::optional<RunConfig>& given,
                                  const std::vector<std::string>& overrides) {
  constexpr std::string_view kRunDir = "server.run_dir=";
  for (const std::string& text : overrides) {
    if (text.starts_with(kRunDir) && text.substr(kRunDir.size()) != directory) {
      return absl::InvalidArgumentError(fmt::format(
          "--resume {} goes on in that directory, and --run-dir names {}: "
          "leave --run-dir out (a run may be moved while it rests, and resumed "
          "where it is then)",
          directory, text.substr(kRunDir.size())));
    }
    if (text.starts_with("server.")) continue;
    return absl::InvalidArgumentError(fmt::format(
        "--set {}: a resumed run keeps its configuration, so that it ends as "
        "if it had never stopped; leave it out, or start a new run from this "
        "one's newest model with --set model.init_from={}/models/round-...",
        text, directory));
  }
  const std::string path = RunDirectory{directory}.config().string();
  ConfigSources sources;
  sources.file_name = path;
  FEDGAP_ASSIGN_OR_RETURN(sources.file_text, StoredConfig(directory));
  FEDGAP_ASSIGN_OR_RETURN(const RunConfig stored, ParseRunConfig(sources));
  if (given.has_value() && ToToml(WithDefaultThreads(*given)) !=
                               ToToml(WithDefaultThreads(stored))) {
    return absl::InvalidArgumentError(fmt::format(
        "the file of --config is not the configuration of the run in {}; leave "
        "it out: --resume goes on with {}",
        directory, path));
  }
  return stored;
}

}  // namespace fedgap
