// The files of a run directory (state, pooled vectors) and models from outside
// never crash their readers, and what is accepted has the shapes that its users
// rely on. The first byte chooses the file.
#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/federation/model_file.h"
#include "server/store/round_files.h"

namespace fedgap {
namespace {

void ReadState(std::vector<std::uint8_t> bytes) {
  const auto state = ParseRoundState(std::move(bytes));
  if (!state.ok()) return;
  const Prototypes& prototypes = state->prototypes;
  FEDGAP_CHECK(prototypes.classes >= 0 && prototypes.channels >= 0);
  FEDGAP_CHECK(std::ssize(prototypes.held) == prototypes.classes);
  FEDGAP_CHECK(std::ssize(prototypes.means) ==
               std::int64_t{prototypes.classes} * prototypes.channels);
  RoundCommit commit;
  commit.optimizer = state->optimizer;
  commit.prototypes = prototypes;
  FEDGAP_CHECK(ParseRoundState(RoundStateWriter(commit).Finish()).ok());
}

void ReadPooled(std::vector<std::uint8_t> bytes) {
  const auto pooled = ParsePooled(std::move(bytes));
  if (!pooled.ok()) return;
  for (const PooledRecord& record : *pooled) {
    for (const GroupPooledStatistics& group : record.pooled.groups) {
      FEDGAP_CHECK(group.group >= 0);
      FEDGAP_CHECK(group.class_means.size() ==
                   group.class_counts.size() * group.mean.size());
    }
  }
}

void ReadModel(std::vector<std::uint8_t> bytes) {
  const auto file = ParseModelFile(std::move(bytes));
  if (!file.ok()) return;
  const auto again = ParseModelFile(
      EncodeModelFile(*file->model, file->parameters, file->origin));
  FEDGAP_CHECK(again.ok());
  FEDGAP_CHECK(again->origin.id == file->origin.id ||
               file->origin.id == ModelId{});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  std::vector<std::uint8_t> bytes(data + 1, data + size);
  switch (data[0]) {
    case 's':
      ReadState(std::move(bytes));
      break;
    case 'p':
      ReadPooled(std::move(bytes));
      break;
    case 'm':
      ReadModel(std::move(bytes));
      break;
    default:
      break;
  }
  return 0;
}

}  // namespace fedgap
