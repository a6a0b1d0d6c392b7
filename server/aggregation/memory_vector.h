// A vector that stands in memory.
#ifndef FEDGAP_SERVER_AGGREGATION_MEMORY_VECTOR_H_
#define FEDGAP_SERVER_AGGREGATION_MEMORY_VECTOR_H_

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/tensor/parameters.h"
#include "server/aggregation/contribution.h"

namespace fedgap {

class MemoryVector final : public VectorSource {
 public:
  explicit MemoryVector(Parameters values) : values_(std::move(values)) {}

  std::int64_t elements() const override {
    return static_cast<std::int64_t>(values_.size());
  }
  Status Read(std::int64_t begin, std::span<float> out) const override {
    FEDGAP_CHECK(begin >= 0 && begin + std::ssize(out) <= elements());
    std::copy_n(values_.begin() + begin, out.size(), out.begin());
    return absl::OkStatus();
  }
  std::span<const float> InMemory() const override { return values_; }

 private:
  Parameters values_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_MEMORY_VECTOR_H_
