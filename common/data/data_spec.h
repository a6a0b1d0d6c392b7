// Data sets by the names that the command line gives them.
#ifndef FEDGAP_COMMON_DATA_DATA_SPEC_H_
#define FEDGAP_COMMON_DATA_DATA_SPEC_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_split.h"
#include "common/data/folder.h"
#include "common/data/image_dataset.h"
#include "common/data/partition_spec.h"
#include "common/tensor/image_view.h"

namespace fedgap {

struct DataSpec {
  enum class Kind { kIdx, kFolder, kFashionMnist, kSynthetic };
  Kind kind = Kind::kSynthetic;
  std::filesystem::path path;   // kIdx, kFolder, kFashionMnist
  std::uint64_t seed = 0;       // kSynthetic
  std::int64_t samples = 1000;  // kSynthetic
};

// `idx:DIR`, `folder:DIR`, `fashion-mnist` (Debian's package
// dataset-fashion-mnist), `synthetic:SEED,N`. INVALID_ARGUMENT says what is
// wrong.
StatusOr<DataSpec> ParseDataSpec(std::string_view text);

// One client's share of a set that several processes can read.
struct DataPart {
  PartitionSpec partition;
  int index = 0;  // in [0, count)
  int count = 1;
  std::uint64_t seed = 0;
};

// "2/6" is the second of six parts: index 1, count 6. INVALID_ARGUMENT else.
StatusOr<DataPart> ParseDataPart(std::string_view text);

struct LoadOptions {
  DataSplit split = DataSplit::kTrain;
  // 1 or 3: images are converted. 0: the data's own (IDX and synthetic 1,
  // folder 3).
  int channels = 0;
  // The federation's classes in its order; empty: the data's own.
  std::vector<std::string> class_names;
  OnBadImage on_bad_image = OnBadImage::kFail;
  // Folders only; see FolderOptions.
  double test_fraction = 0.2;
  std::int64_t max_pixels = DecodeOptions{}.max_pixels;
  // Keep only this part; tracks stay whole.
  std::optional<DataPart> part;
  // Resize every image to this; after the part is taken.
  std::optional<ImageSize> resolution;
};

struct LoadReport {
  std::int64_t loaded = 0;         // before the part is taken
  std::vector<BadImage> skipped;   // damaged files left out
  std::int64_t ignored_files = 0;  // files that are no images
};

struct LoadedData {
  std::shared_ptr<const ImageDataset> data;  // not empty
  LoadReport report;
};

// Reads the data into memory. Deterministic. Errors as idx.h, folder.h,
// partition.h and resize.h; NOT_FOUND says which package to install where
// Fashion-MNIST is missing; INVALID_ARGUMENT when there is no sample.
StatusOr<LoadedData> LoadData(const DataSpec& spec, const LoadOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_DATA_SPEC_H_
