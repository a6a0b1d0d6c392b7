#include "server/aggregation/accumulate_kernel.h"

#include "common/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "server/aggregation/accumulate_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fedgap {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Adding 1.5 x 2^52 leaves a double whose last mantissa bit is worth one, so
// that the addition itself rounds to the nearest integer, ties to even, and
// the integer stands in the low bits. Every instruction set can do that; few
// can convert double to int64.
constexpr double kMagic = 6755399441055744.0;
constexpr std::uint64_t kMagicBits = 0x4338000000000000ULL;

template <std::size_t kVectors>
void AddTogether(const ScaledVector* vectors, std::int64_t* HWY_RESTRICT sums,
                 std::size_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> narrow;
  const hn::Rebind<std::uint64_t, decltype(d)> u;
  const std::size_t lanes = hn::Lanes(d);
  auto* const words = reinterpret_cast<std::uint64_t*>(sums);
  const auto magic = hn::Set(d, kMagic);
  const auto offset = hn::Set(u, kVectors * kMagicBits);

  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    auto sum = hn::Sub(hn::LoadU(u, words + j), offset);
    for (std::size_t k = 0; k < kVectors; ++k) {
      const auto value =
          hn::PromoteTo(d, hn::LoadU(narrow, vectors[k].values + j));
      const auto product = hn::Mul(hn::Set(d, vectors[k].factor), value);
      sum = hn::Add(sum, hn::BitCast(u, hn::Add(product, magic)));
    }
    hn::StoreU(sum, u, words + j);
  }
  const hn::CappedTag<double, 1> d1;
  const hn::Rebind<std::uint64_t, decltype(d1)> u1;
  for (; j < count; ++j) {
    for (std::size_t k = 0; k < kVectors; ++k) {
      const double product =
          vectors[k].factor * static_cast<double>(vectors[k].values[j]);
      const auto rounded = hn::Set(d1, product + kMagic);
      words[j] += hn::GetLane(hn::BitCast(u1, rounded)) - kMagicBits;
    }
  }
}

void AddRoundedProducts(const ScaledVector* vectors, std::size_t vector_count,
                        std::int64_t* sums, std::size_t count) {
  switch (vector_count) {
    case 1:
      return AddTogether<1>(vectors, sums, count);
    case 2:
      return AddTogether<2>(vectors, sums, count);
    case 3:
      return AddTogether<3>(vectors, sums, count);
    default:
      return AddTogether<4>(vectors, sums, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace fedgap
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap {

HWY_EXPORT(AddRoundedProducts);

void AddRoundedProducts(std::span<const ScaledVector> vectors,
                        std::int64_t* sums, std::size_t count) {
  FEDGAP_CHECK(!vectors.empty() && vectors.size() <= kMaxTogether);
  HWY_DYNAMIC_DISPATCH(AddRoundedProducts)
  (vectors.data(), vectors.size(), sums, count);
}

}  // namespace fedgap
#endif  // HWY_ONCE
