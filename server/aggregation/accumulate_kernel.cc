#include "server/aggregation/accumulate_kernel.h"

#include <bit>

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

// rint(factor values[j]) for a vector of j, offset by kMagicBits.
template <class D, class V>
HWY_INLINE auto Rounded(D d, V factor, const float* values) {
  const hn::Rebind<float, D> narrow;
  const hn::Rebind<std::uint64_t, D> u;
  const auto value = hn::PromoteTo(d, hn::LoadU(narrow, values));
  const auto product = hn::Mul(factor, value);
  return hn::BitCast(u, hn::Add(product, hn::Set(d, kMagic)));
}

// Factors and pointers are named one by one to stay in registers: through an
// array they would be read again after every store.
template <std::size_t kVectors>
void AddTogether(const ScaledVector* vectors, std::int64_t* HWY_RESTRICT sums,
                 std::size_t count) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<std::uint64_t, decltype(d)> u;
  const std::size_t lanes = hn::Lanes(d);
  auto* const words = reinterpret_cast<std::uint64_t*>(sums);
  const ScaledVector& v0 = vectors[0];
  const ScaledVector& v1 = vectors[kVectors > 1 ? 1 : 0];
  const ScaledVector& v2 = vectors[kVectors > 2 ? 2 : 0];
  const ScaledVector& v3 = vectors[kVectors > 3 ? 3 : 0];
  const float* const x0 = v0.values;
  const float* const x1 = v1.values;
  const float* const x2 = v2.values;
  const float* const x3 = v3.values;
  const auto f0 = hn::Set(d, v0.factor);
  const auto f1 = hn::Set(d, v1.factor);
  const auto f2 = hn::Set(d, v2.factor);
  const auto f3 = hn::Set(d, v3.factor);
  const auto offset = hn::Set(u, kVectors * kMagicBits);

  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    auto sum = hn::Sub(hn::LoadU(u, words + j), offset);
    auto part = Rounded(d, f0, x0 + j);
    if constexpr (kVectors > 1) part = hn::Add(part, Rounded(d, f1, x1 + j));
    if constexpr (kVectors > 2) sum = hn::Add(sum, Rounded(d, f2, x2 + j));
    if constexpr (kVectors > 3) part = hn::Add(part, Rounded(d, f3, x3 + j));
    hn::StoreU(hn::Add(sum, part), u, words + j);
  }
  for (; j < count; ++j) {
    for (std::size_t k = 0; k < kVectors; ++k) {
      const double product =
          vectors[k].factor * static_cast<double>(vectors[k].values[j]);
      words[j] += std::bit_cast<std::uint64_t>(product + kMagic) - kMagicBits;
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
