#include "common/tensor/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace fedgap {
namespace {

constexpr std::array<std::string_view, kTensorRoles> kRoleNames = {
    "shared", "per_group", "statistic", "local"};
constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

bool IsPrintable(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

Status CheckTensor(const TensorSpec& tensor) {
  if (!IsPrintable(tensor.name)) {
    return absl::InvalidArgumentError(fmt::format(
        "tensor name '{}' is empty or has a character that is not printable "
        "ASCII",
        tensor.name));
  }
  std::int64_t elements = 1;
  for (const std::int64_t extent : tensor.shape.extents()) {
    if (extent < 1 || extent > kMaxElements ||
        elements > kMaxElements / extent) {
      return absl::InvalidArgumentError(
          fmt::format("tensor {} has the impossible shape {}", tensor.name,
                      tensor.shape.ToString()));
    }
    elements *= extent;
  }
  return absl::OkStatus();
}

}  // namespace

std::string Shape::ToString() const {
  return fmt::format("{}", fmt::join(extents_, "x"));
}

std::string_view ToString(TensorRole role) {
  return kRoleNames[static_cast<std::size_t>(role)];
}

StatusOr<TensorRole> TensorRoleFromString(std::string_view text) {
  const auto found = std::ranges::find(kRoleNames, text);
  if (found == kRoleNames.end()) {
    return absl::InvalidArgumentError(
        fmt::format("unknown tensor role '{}'; known: {}", text,
                    fmt::join(kRoleNames, ", ")));
  }
  return static_cast<TensorRole>(found - kRoleNames.begin());
}

StatusOr<Layout> Layout::Create(std::vector<TensorSpec> tensors) {
  std::ranges::stable_sort(tensors, {}, &TensorSpec::role);
  Layout layout;
  std::set<std::string_view> names;
  for (const TensorSpec& tensor : tensors) {
    FEDGAP_RETURN_IF_ERROR(CheckTensor(tensor));
    if (!names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(
          fmt::format("two tensors are named {}", tensor.name));
    }
    const std::int64_t begin = layout.elements_;
    layout.elements_ += tensor.shape.elements();
    if (layout.elements_ > kMaxElements) {
      return absl::InvalidArgumentError(
          fmt::format("the layout has more than {} elements", kMaxElements));
    }
    layout.ranges_.push_back({begin, layout.elements_});
  }
  std::int64_t at = 0;
  for (int role = 0; role < kTensorRoles; ++role) {
    ElementRange& range = layout.role_ranges_[role];
    range.begin = at;
    for (const TensorSpec& tensor : tensors) {
      if (static_cast<int>(tensor.role) == role) at += tensor.shape.elements();
    }
    range.end = at;
  }
  layout.tensors_ = std::move(tensors);
  return layout;
}

int Layout::IndexOf(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &TensorSpec::name);
  if (found == tensors_.end()) return -1;
  return static_cast<int>(found - tensors_.begin());
}

std::string Layout::CanonicalText() const {
  std::string text = "fedgap-layout 1\n";
  for (const TensorSpec& tensor : tensors_) {
    text += fmt::format("{} f32 {} {}\n", fedgap::ToString(tensor.role),
                        tensor.name, tensor.shape.ToString());
  }
  return text;
}

}  // namespace fedgap
