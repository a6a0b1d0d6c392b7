#include "common/data/folder_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "common/base/did_you_mean.h"
#include "common/base/file_io.h"
#include "common/data/held_out.h"
#include "common/data/image_decoder.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

// Part of the promise that every process splits a folder alike.
constexpr std::uint64_t kSplitSeed = 0;

bool IsHidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

StatusOr<std::vector<std::string>> Subdirectories(const fs::path& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (!IsHidden(it->path()) && it->is_directory(ignored)) {
      names.push_back(it->path().filename().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  std::sort(names.begin(), names.end());
  return names;
}

// The directories that hold the part's classes; `presplit` says whether the
// folder brought the split with it.
struct Part {
  std::vector<fs::path> roots;
  bool presplit = false;
};

StatusOr<Part> FindPart(const fs::path& root, DataSplit split) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                          Subdirectories(root));
  if (names.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{} has no class directories (one directory of images a "
                    "class is expected)",
                    root.string()));
  }
  const std::set<std::string> present(names.begin(), names.end());
  const bool presplit =
      std::all_of(names.begin(), names.end(), [](const std::string& name) {
        return name == "train" || name == "test" || name == "val";
      });
  if (!presplit) return Part{{root}, false};
  const std::string test = present.contains("test") ? "test" : "val";
  Part part{{}, true};
  if (split != DataSplit::kTest && present.contains("train")) {
    part.roots.push_back(root / "train");
  }
  if (split != DataSplit::kTrain && present.contains(test)) {
    part.roots.push_back(root / test);
  }
  if (part.roots.empty()) {
    return absl::NotFoundError(fmt::format(
        "{} has no {} directory beside the split directories it has",
        root.string(), split == DataSplit::kTrain ? "train" : "test or val"));
  }
  return part;
}

// All image files under `directory`, sorted.
StatusOr<std::vector<fs::path>> ListImages(const fs::path& directory,
                                           std::int64_t& ignored_files) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::recursive_directory_iterator it(directory, error), end;
       !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (IsHidden(it->path())) {
      it.disable_recursion_pending();
    } else if (it->is_directory(ignored)) {
      continue;
    } else if (HasImageExtension(it->path())) {
      paths.push_back(it->path());
    } else {
      ++ignored_files;
    }
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  std::sort(paths.begin(), paths.end());
  return paths;
}

StatusOr<std::vector<std::string>> ClassNames(const Part& part,
                                              const FolderOptions& options) {
  std::set<std::string> found;
  for (const fs::path& root : part.roots) {
    FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                            Subdirectories(root));
    found.insert(names.begin(), names.end());
    if (names.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("{} has no class directories", root.string()));
    }
  }
  const std::vector<std::string>& known = options.class_names;
  if (known.empty())
    return std::vector<std::string>(found.begin(), found.end());
  for (const std::string& name : found) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return absl::InvalidArgumentError(
          fmt::format("{} has a directory '{}', which is none of the {} classes"
                      "{}",
                      part.roots.front().string(), name, known.size(),
                      DidYouMean(name, known)));
    }
  }
  return known;
}

// PREFIX of a name PREFIX_NUMBER.ext.
std::optional<std::string> TrackPrefix(const fs::path& path) {
  const std::string stem = path.stem().string();
  const std::size_t bar = stem.rfind('_');
  if (bar == std::string::npos || bar == 0 || bar + 1 == stem.size()) {
    return std::nullopt;
  }
  if (stem.find_first_not_of("0123456789", bar + 1) != std::string::npos) {
    return std::nullopt;
  }
  return stem.substr(0, bar);
}

// Numbers the tracks by class and prefix, if the names follow the rule of
// folder.h.
void AssignTracks(std::vector<ListedImage>& images, std::size_t classes) {
  std::map<std::pair<int, std::string>, std::int32_t> tracks;
  std::vector<std::pair<int, std::string>> keys;
  for (const ListedImage& image : images) {
    const std::optional<std::string> prefix = TrackPrefix(image.path);
    if (!prefix.has_value()) return;
    keys.emplace_back(image.label, *prefix);
    tracks.emplace(keys.back(), 0);
  }
  std::vector<int> prefixes(classes, 0);
  std::int32_t next = 0;
  for (auto& [key, track] : tracks) {
    track = next++;
    ++prefixes[static_cast<std::size_t>(key.first)];
  }
  const bool one_prefix_only =
      std::find(prefixes.begin(), prefixes.end(), 1) != prefixes.end();
  if (one_prefix_only || tracks.size() == images.size()) return;
  for (std::size_t i = 0; i < images.size(); ++i) {
    images[i].track = tracks.at(keys[i]);
  }
}

// The listing as a source, for the stratified split: labels and tracks only.
class ListingSource final : public DataSource {
 public:
  explicit ListingSource(const FolderListing& listing) : listing_(listing) {}
  std::int64_t size() const override {
    return static_cast<std::int64_t>(listing_.images.size());
  }
  int channels() const override { return 1; }
  const std::vector<std::string>& class_names() const override {
    return listing_.class_names;
  }
  int label(std::int64_t i) const override { return At(i).label; }
  std::int32_t track(std::int64_t i) const override { return At(i).track; }
  ImageSize image_size(std::int64_t) const override { return {}; }
  void Read(std::int64_t, const Normalization&,
            std::span<float>) const override {}

 private:
  const ListedImage& At(std::int64_t i) const {
    return listing_.images[static_cast<std::size_t>(i)];
  }
  const FolderListing& listing_;
};

void KeepPart(FolderListing& listing, const FolderOptions& options) {
  const HeldOutSplit split = SplitStratified(
      ListingSource(listing), options.test_fraction,
      CounterRng(kSplitSeed, RngPurpose::kPartition, "folder test split"));
  std::vector<ListedImage> kept;
  for (const std::uint32_t i :
       options.split == DataSplit::kTrain ? split.training : split.held_out) {
    kept.push_back(std::move(listing.images[i]));
  }
  listing.images = std::move(kept);
}

// One class over all roots of the part.
Status ListClass(const Part& part, int label, bool may_be_missing,
                 FolderListing& listing) {
  const std::string& name =
      listing.class_names[static_cast<std::size_t>(label)];
  const std::size_t before = listing.images.size();
  for (const fs::path& root : part.roots) {
    std::error_code ignored;
    if (!fs::is_directory(root / name, ignored)) continue;
    FEDGAP_ASSIGN_OR_RETURN(std::vector<fs::path> paths,
                            ListImages(root / name, listing.ignored_files));
    for (fs::path& path : paths) {
      listing.images.push_back({std::move(path), label, DataSource::kNoTrack});
    }
  }
  if (listing.images.size() == before && !may_be_missing) {
    return absl::InvalidArgumentError(
        fmt::format("class directory {} has no PNG, JPEG, PPM or PGM files; "
                    "fill it or remove it",
                    (part.roots.front() / name).string()));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<FolderListing> ListFolder(const fs::path& root,
                                   const FolderOptions& options) {
  FEDGAP_ASSIGN_OR_RETURN(const Part part, FindPart(root, options.split));
  FolderListing listing;
  FEDGAP_ASSIGN_OR_RETURN(listing.class_names, ClassNames(part, options));
  const bool may_be_missing = !options.class_names.empty();
  for (std::size_t c = 0; c < listing.class_names.size(); ++c) {
    FEDGAP_RETURN_IF_ERROR(
        ListClass(part, static_cast<int>(c), may_be_missing, listing));
  }
  if (options.use_tracks) {
    AssignTracks(listing.images, listing.class_names.size());
  }
  if (!part.presplit && options.split != DataSplit::kAll) {
    KeepPart(listing, options);
  }
  if (listing.images.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: no images in the part that was asked for", root.string()));
  }
  return listing;
}

}  // namespace fedgap
