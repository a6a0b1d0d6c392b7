// The order in which a model's tensors stand in its one flat buffer.
#ifndef FEDGAP_COMMON_TENSOR_LAYOUT_H_
#define FEDGAP_COMMON_TENSOR_LAYOUT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/shape.h"

namespace fedgap {

// Who shares a tensor. The order is the order of the roles in the buffer.
enum class TensorRole : std::uint8_t {
  kShared = 0,     // averaged over the cohort
  kPerGroup = 1,   // averaged within its resolution group
  kStatistic = 2,  // averaged, but never trained (running statistics)
  kLocal = 3,      // never leaves the client (FedBN)
};
inline constexpr int kTensorRoles = 4;

// "shared", "per_group", "statistic", "local".
std::string_view ToString(TensorRole role);
StatusOr<TensorRole> TensorRoleFromString(std::string_view text);

struct TensorSpec {
  std::string name;  // unique, printable ASCII without spaces
  Shape shape;       // every extent >= 1
  TensorRole role = TensorRole::kShared;

  bool operator==(const TensorSpec&) const = default;
};

// A contiguous range of elements of the flat buffer.
struct ElementRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
  bool operator==(const ElementRange&) const = default;
};

// Ordered float32 tensors, sorted by role so that each role is one range of
// the buffer; within a role the given order stays. Immutable.
class Layout {
 public:
  // The empty layout.
  Layout() = default;

  // INVALID_ARGUMENT for an empty, unprintable or repeated name, an extent
  // below 1, or more than 2^40 elements in all.
  static StatusOr<Layout> Create(std::vector<TensorSpec> tensors);

  const std::vector<TensorSpec>& tensors() const { return tensors_; }
  // Where tensor i stands.
  ElementRange range(std::size_t i) const { return ranges_[i]; }
  // Where all tensors of a role stand; empty (begin == end) if there is none.
  ElementRange range(TensorRole role) const {
    return role_ranges_[static_cast<std::size_t>(role)];
  }
  // Everything but kLocal: what travels and is aggregated. Starts at 0.
  ElementRange federated_range() const {
    return {0, range(TensorRole::kLocal).begin};
  }
  std::int64_t elements() const { return elements_; }

  // The index of a tensor by name, or -1.
  int IndexOf(std::string_view name) const;

  // The text whose SHA-256 is the layout hash (docs/PROTOCOL.md): a line
  // "fedgap-layout 1\n", then per tensor "role dtype name extents\n", e.g.
  // "shared f32 conv1.weight 3x3x1x16\n".
  std::string CanonicalText() const;

  bool operator==(const Layout&) const = default;

 private:
  std::vector<TensorSpec> tensors_;
  std::vector<ElementRange> ranges_;
  ElementRange role_ranges_[kTensorRoles] = {};
  std::int64_t elements_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TENSOR_LAYOUT_H_
