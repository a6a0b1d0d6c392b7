#include "common/data/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/file_io.h"
#include "common/data/folder_listing.h"
#include "common/data/image_decoder.h"

namespace fedgap {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;

Status AddFile(const ListedImage& image, const DecodeOptions& options,
               ImageDataset::Builder& builder) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                          ReadFileBytes(image.path, kMaxFileBytes));
  FEDGAP_ASSIGN_OR_RETURN(const DecodedImage decoded,
                          DecodeImage(bytes, options));
  return builder.Add(decoded.pixels, decoded.size, image.label, image.track);
}

Status TooManyBad(const std::filesystem::path& root,
                  const std::vector<BadImage>& bad, std::size_t files,
                  double allowed) {
  constexpr std::size_t kReasons = 3;
  std::string reasons;
  for (std::size_t i = 0; i < std::min(bad.size(), kReasons); ++i) {
    reasons += fmt::format("; {}: {}", bad[i].path.string(), bad[i].reason);
  }
  return absl::InvalidArgumentError(fmt::format(
      "{}: more than {:g} % of the {} image files are bad ({} so far){}",
      root.string(), allowed * 100, files, bad.size(), reasons));
}

}  // namespace

StatusOr<FolderData> ReadFolder(const std::filesystem::path& root,
                                const FolderOptions& options) {
  FEDGAP_ASSIGN_OR_RETURN(FolderListing listing, ListFolder(root, options));
  ImageDataset::Builder builder(options.decode.channels, listing.class_names);
  const std::size_t files = listing.images.size();
  const double most_bad =
      options.max_skipped_fraction * static_cast<double>(files);
  std::vector<BadImage> skipped;
  for (const ListedImage& image : listing.images) {
    const Status added = AddFile(image, options.decode, builder);
    if (added.ok()) continue;
    if (options.on_bad_image == OnBadImage::kFail) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {}", image.path.string(), MessageOf(added)));
    }
    skipped.push_back({image.path, MessageOf(added)});
    if (static_cast<double>(skipped.size()) > most_bad) {
      return TooManyBad(root, skipped, files, options.max_skipped_fraction);
    }
  }
  return FolderData{std::move(builder).Build(), std::move(skipped),
                    listing.ignored_files};
}

}  // namespace fedgap
