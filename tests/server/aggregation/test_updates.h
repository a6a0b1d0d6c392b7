// Updates for the tests of aggregation.
#ifndef FEDGAP_TESTS_SERVER_AGGREGATION_TEST_UPDATES_H_
#define FEDGAP_TESTS_SERVER_AGGREGATION_TEST_UPDATES_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/counter_rng.h"
#include "server/aggregation/memory_vector.h"

namespace fedgap {

// A vector behind Read only, as a staged file is; fails from an element on.
class FakeStagedVector final : public VectorSource {
 public:
  explicit FakeStagedVector(Parameters values, std::int64_t fail_from = -1)
      : values_(std::move(values)), fail_from_(fail_from) {}
  std::int64_t elements() const override { return std::ssize(values_); }
  Status Read(std::int64_t begin, std::span<float> out) const override {
    if (fail_from_ >= 0 && begin + std::ssize(out) > fail_from_) {
      return absl::DataLossError("the file is short");
    }
    std::copy_n(values_.begin() + begin, out.size(), out.begin());
    return absl::OkStatus();
  }

 private:
  Parameters values_;
  std::int64_t fail_from_;
};

// Uniform in (-bound, bound).
inline Parameters RandomVector(std::int64_t elements, std::uint64_t seed,
                               double bound = 1.0) {
  CounterRng rng(seed, RngPurpose::kSynthetic);
  Parameters values(static_cast<std::size_t>(elements));
  for (float& value : values) {
    value = static_cast<float>((2 * rng.Uniform() - 1) * bound);
  }
  return values;
}

inline Contribution MakeContribution(std::string client, Parameters delta,
                                     std::vector<GroupCounts> counts = {
                                         {0, 10, 1000}}) {
  Contribution contribution;
  contribution.client.value = std::move(client);
  contribution.info.counts = std::move(counts);
  contribution.delta = std::make_shared<MemoryVector>(std::move(delta));
  return contribution;
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_SERVER_AGGREGATION_TEST_UPDATES_H_
