#include "common/data/class_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/did_you_mean.h"

namespace fedgap {
namespace {

using Names = std::vector<std::string>;

// So many names are listed in a message.
constexpr std::size_t kListed = 20;

std::string ListOf(const Names& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(kListed, names.size()); ++i) {
    if (i > 0) list += ", ";
    list += names[i];
  }
  if (names.size() > kListed) list += fmt::format(", ... ({})", names.size());
  return list;
}

std::vector<int> Unchanged(std::size_t classes) {
  std::vector<int> labels(classes);
  for (std::size_t i = 0; i < classes; ++i) labels[i] = static_cast<int>(i);
  return labels;
}

bool IsNumbered(const Names& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != std::to_string(i)) return false;
  }
  return true;
}

class RelabelledData final : public DataSource {
 public:
  RelabelledData(const DataSource& base, Names names, std::vector<int> labels)
      : base_(base), names_(std::move(names)), labels_(std::move(labels)) {}

  std::int64_t size() const override { return base_.size(); }
  int channels() const override { return base_.channels(); }
  const Names& class_names() const override { return names_; }
  int label(std::int64_t i) const override {
    const int own = base_.label(i);
    // No class stays no class.
    if (own < 0 || own >= std::ssize(labels_)) return -1;
    return labels_[static_cast<std::size_t>(own)];
  }
  ImageSize image_size(std::int64_t i) const override {
    return base_.image_size(i);
  }
  std::int32_t track(std::int64_t i) const override { return base_.track(i); }
  void Read(std::int64_t i, const Normalization& normalization,
            std::span<float> out) const override {
    base_.Read(i, normalization, out);
  }

 private:
  const DataSource& base_;
  const Names names_;
  const std::vector<int> labels_;
};

}  // namespace

StatusOr<std::vector<int>> MapClasses(const Names& own,
                                      const Names& federation) {
  if (federation.empty()) return Unchanged(own.size());
  std::vector<int> labels;
  for (const std::string& name : own) {
    const auto found = std::ranges::find(federation, name);
    if (found != federation.end()) {
      labels.push_back(static_cast<int>(found - federation.begin()));
      continue;
    }
    if (IsNumbered(own)) return Unchanged(own.size());
    return absl::InvalidArgumentError(fmt::format(
        "the federation has no class '{}'{}; its classes are {}; those of this "
        "data are {}: rename them, or leave out what is not the federation's",
        name, DidYouMean(name, federation), ListOf(federation), ListOf(own)));
  }
  return labels;
}

StatusOr<std::unique_ptr<const DataSource>> WithClassesOf(
    const Names& federation, const DataSource& data) {
  FEDGAP_ASSIGN_OR_RETURN(std::vector<int> labels,
                          MapClasses(data.class_names(), federation));
  if (labels == Unchanged(labels.size())) return nullptr;
  return std::make_unique<const RelabelledData>(data, federation,
                                                std::move(labels));
}

}  // namespace fedgap
