#include "client/client_data.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace fedgap {
namespace {

// "2/6" is the second of six parts, index 1.
Status ParsePart(std::string_view text, DataPart& part) {
  const std::size_t slash = text.find('/');
  int number = 0;
  bool good = slash != std::string_view::npos;
  if (good) {
    const std::string_view first = text.substr(0, slash);
    const std::string_view second = text.substr(slash + 1);
    const auto a =
        std::from_chars(first.data(), first.data() + first.size(), number);
    const auto b = std::from_chars(second.data(), second.data() + second.size(),
                                   part.count);
    good = a.ec == std::errc() && a.ptr == first.data() + first.size() &&
           b.ec == std::errc() && b.ptr == second.data() + second.size() &&
           number >= 1 && number <= part.count;
  }
  if (!good) {
    return absl::InvalidArgumentError(fmt::format(
        "client.part = '{}': must be I/N with 1 <= I <= N, e.g. 2/6", text));
  }
  part.index = number - 1;
  return absl::OkStatus();
}

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
  if (!settings.part.empty()) {
    DataPart part;
    FEDGAP_RETURN_IF_ERROR(ParsePart(settings.part, part));
    FEDGAP_ASSIGN_OR_RETURN(part.partition,
                            ParsePartitionSpec(settings.partition));
    part.seed = settings.partition_seed;
    options.part = part;
  }
  return LoadData(spec, options);
}

}  // namespace fedgap
