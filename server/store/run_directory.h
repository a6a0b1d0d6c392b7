// Where everything of a run stands; docs/RUN_DIRECTORY.md.
#ifndef FEDGAP_SERVER_STORE_RUN_DIRECTORY_H_
#define FEDGAP_SERVER_STORE_RUN_DIRECTORY_H_

#include <filesystem>
#include <string>

#include "common/federation/ids.h"
#include "server/store/round_files.h"

namespace fedgap {

struct RunDirectory {
  std::filesystem::path root;

  std::filesystem::path database() const { return root / "state.db"; }
  std::filesystem::path lock() const { return root / "lock"; }
  std::filesystem::path events() const { return root / "events"; }
  std::filesystem::path report() const { return root / "report.json"; }
  std::filesystem::path config() const { return root / "config.toml"; }
  std::filesystem::path model_json() const { return root / "model.json"; }
  // The last model, once the run is finished.
  std::filesystem::path final_model() const {
    return root / "model.safetensors";
  }
  // `kind` is "models", "state" or "pooled".
  std::filesystem::path round_file(const std::string& kind, Round round) const {
    return root / kind / RoundFileName(round);
  }
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_RUN_DIRECTORY_H_
