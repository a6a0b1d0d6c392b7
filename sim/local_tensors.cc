#include "sim/local_tensors.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/file_io.h"
#include "common/tensor/safetensors.h"
#include "server/store/round_files.h"

namespace fedgap {

std::filesystem::path LocalTensors::FileOf(Round round) const {
  return directory_ / RoundFileName(round);
}

Status LocalTensors::Restore(Round last) {
  if (elements_ == 0) return absl::OkStatus();
  std::error_code error;
  for (Round round = 1; round <= last; ++round) {
    const std::filesystem::path path = FileOf(round);
    if (!std::filesystem::exists(path, error)) continue;
    FEDGAP_ASSIGN_OR_RETURN(std::vector<std::uint8_t> bytes,
                            ReadFileBytes(path));
    auto file = SafetensorsFile::Parse(std::move(bytes));
    if (!file.ok()) return Annotate(file.status(), path.string());
    for (const SafetensorsFile::Tensor& tensor : file->tensors()) {
      FEDGAP_ASSIGN_OR_RETURN(Parameters values, file->Float32(tensor.name));
      if (std::ssize(values) != elements_) {
        return absl::DataLossError(
            fmt::format("{}: {} has {} local parameters, the model {}",
                        path.string(), tensor.name, values.size(), elements_));
      }
      promoted_[{tensor.name}] = std::move(values);
    }
  }
  return absl::OkStatus();
}

std::span<const float> LocalTensors::Of(const ClientName& client) const {
  const auto found = promoted_.find(client);
  if (found == promoted_.end()) return {};
  return found->second;
}

void LocalTensors::Propose(const ClientName& client, Parameters tensors) {
  if (elements_ > 0) proposed_[client] = std::move(tensors);
}

Status LocalTensors::Save(Round round) const {
  if (elements_ == 0 || directory_.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) {
    return ErrnoStatus(error.value(), "create the directory", directory_);
  }
  SafetensorsWriter writer;
  for (const auto& [client, tensors] : proposed_) {
    writer.Add(client.value, {elements_}, tensors);
  }
  return WriteFileAtomic(FileOf(round), writer.Finish());
}

void LocalTensors::Promote() {
  for (auto& [client, tensors] : proposed_) {
    promoted_[client] = std::move(tensors);
  }
  proposed_.clear();
}

}  // namespace fedgap
