// The image files of a class-per-directory folder, before any is opened.
#ifndef FEDGAP_COMMON_DATA_FOLDER_LISTING_H_
#define FEDGAP_COMMON_DATA_FOLDER_LISTING_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/data/folder.h"

namespace fedgap {

struct ListedImage {
  std::filesystem::path path;
  int label = 0;
  std::int32_t track = DataSource::kNoTrack;
};

struct FolderListing {
  std::vector<std::string> class_names;
  std::vector<ListedImage> images;  // by class, then by name
  std::int64_t ignored_files = 0;
};

// The files of one part as ReadFolder describes, with its errors.
StatusOr<FolderListing> ListFolder(const std::filesystem::path& root,
                                   const FolderOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_FOLDER_LISTING_H_
