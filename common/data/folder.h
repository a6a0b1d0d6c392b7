// A directory with one subdirectory of image files a class.
#ifndef FEDGAP_COMMON_DATA_FOLDER_H_
#define FEDGAP_COMMON_DATA_FOLDER_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_split.h"
#include "common/data/decoded_image.h"
#include "common/data/image_dataset.h"

namespace fedgap {

enum class OnBadImage {
  kSkip,  // leave it out and count it
  kFail,  // the first one ends the reading
};

struct FolderOptions {
  DecodeOptions decode;
  DataSplit split = DataSplit::kTrain;
  // The classes and their order. Empty: the directories, sorted by name. Give
  // the federation's own where a client may lack some: then a directory that
  // is none of them is an error, and a class without one is not.
  std::vector<std::string> class_names;
  OnBadImage on_bad_image = OnBadImage::kFail;
  // kSkip still fails once more than this share of the files is bad.
  double max_skipped_fraction = 0.01;
  // Share of the files that kTest takes where the directory has no split of
  // its own; a function of the file names alone, so every process that reads
  // the same directory agrees. 0: everything is training data.
  double test_fraction = 0.2;
  bool use_tracks = true;
};

struct BadImage {
  std::filesystem::path path;
  std::string reason;
};

struct FolderData {
  ImageDataset dataset;
  std::vector<BadImage> skipped;
  std::int64_t ignored_files = 0;  // without an image's extension
};

// Reads every image of root/CLASS/, subdirectories included, at its own size.
// Order and labels follow from the names sorted by byte, not from the file
// system. Names that begin with a dot are passed over.
//
// Split: where every subdirectory of root is one of `train`, `test` and `val`,
// those are the parts, each with the class directories inside; `val` stands in
// for a `test` that is not there. Else options.test_fraction is split off,
// stratified by class.
//
// Tracks: where every file is named PREFIX_NUMBER and each class has at least
// two prefixes, some of them with several files, the files of one class and
// prefix are a track (GTSRB: 00012_00004.ppm is frame 4 of track 12); no split
// parts them.
//
// NOT_FOUND: no such directory, or no such part. INVALID_ARGUMENT: no class
// directories, a class directory without images, an unknown class, a damaged
// image under kFail, too many damaged under kSkip (the message has the first
// reasons).
StatusOr<FolderData> ReadFolder(const std::filesystem::path& root,
                                const FolderOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_FOLDER_H_
