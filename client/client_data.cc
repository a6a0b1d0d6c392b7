#include "client/client_data.h"

#include <fmt/format.h>

#include <string_view>

namespace fedgap {
namespace {

DataSplit SplitOf(std::string_view name) {
  if (name == "test") return DataSplit::kTest;
  if (name == "all") return DataSplit::kAll;
  return DataSplit::kTrain;
}

}  // namespace

StatusOr<LoadedData> LoadClientData(const ClientSettings& settings) {
  if (settings.data.empty()) {
    return absl::InvalidArgumentError(
        "no data: give --data folder:DIR, idx:DIR, fashion-mnist or "
        "synthetic:SEED,N");
  }
  FEDGAP_ASSIGN_OR_RETURN(const DataSpec spec, ParseDataSpec(settings.data));
  LoadOptions options;
  options.split = SplitOf(settings.split);
  options.test_fraction = settings.test_fraction;
  options.channels = settings.channels;
  options.on_bad_image =
      settings.on_bad_image == "skip" ? OnBadImage::kSkip : OnBadImage::kFail;
  if (!settings.resolution.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(options.resolution,
                            ParseImageSize(settings.resolution));
  }
  FEDGAP_ASSIGN_OR_RETURN(const PartitionSpec partition,
                          ParsePartitionSpec(settings.partition));
  if (settings.part.empty()) {
    if (settings.partition != ClientSettings().partition) {
      return absl::InvalidArgumentError(fmt::format(
          "--partition {} says how the data is cut, but not which part this "
          "client takes: add --part I/N, such as --part 2/6",
          settings.partition));
    }
  } else {
    FEDGAP_ASSIGN_OR_RETURN(DataPart part, ParseDataPart(settings.part));
    part.partition = partition;
    part.seed = settings.partition_seed;
    options.part = part;
  }
  return LoadData(spec, options);
}

}  // namespace fedgap
