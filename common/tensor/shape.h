// The extents of a tensor.
#ifndef FEDGAP_COMMON_TENSOR_SHAPE_H_
#define FEDGAP_COMMON_TENSOR_SHAPE_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace fedgap {

// Row-major extents, each >= 0; no extents at all is a scalar of one element.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : extents_(extents) {}
  explicit Shape(std::vector<std::int64_t> extents)
      : extents_(std::move(extents)) {}

  const std::vector<std::int64_t>& extents() const { return extents_; }
  std::size_t rank() const { return extents_.size(); }
  std::int64_t operator[](std::size_t i) const { return extents_[i]; }
  std::int64_t elements() const {
    std::int64_t product = 1;
    for (const std::int64_t extent : extents_) product *= extent;
    return product;
  }
  // "3x3x16x32"; "" for a scalar.
  std::string ToString() const;

  bool operator==(const Shape&) const = default;

 private:
  std::vector<std::int64_t> extents_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TENSOR_SHAPE_H_
