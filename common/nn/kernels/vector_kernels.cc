#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/vector_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include <cstddef>
#include <utility>

#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// Calls visit(tag, index) over [0, count): whole vectors first, then single
// elements, so that nothing beyond the end is touched.
template <typename Visitor>
HWY_INLINE void ForEachPart(std::ptrdiff_t count, const Visitor& visit) {
  std::ptrdiff_t i = 0;
  const auto step = static_cast<std::ptrdiff_t>(kLanes);
  for (; i + step <= count; i += step) visit(FloatTag(), i);
  for (; i < count; ++i) visit(hn::CappedTag<float, 1>(), i);
}

// 2^k for integers k in [-126, 127], given as floats.
template <typename D>
HWY_INLINE hn::Vec<D> PowerOfTwo(D d, hn::Vec<D> k) {
  const hn::RebindToSigned<D> di;
  const auto biased = hn::Add(hn::ConvertTo(di, k), hn::Set(di, 127));
  return hn::BitCast(d, hn::ShiftLeft<23>(biased));
}

// e^x = 2^k e^r with |r| <= ln 2 / 2; e^r by its Taylor series to r^7, whose
// remainder is under 2^-27 of the result. ln 2 stands in two parts, the first
// with so few bits that k times it is exact.
template <typename D>
HWY_INLINE hn::Vec<D> ExpOf(D d, hn::Vec<D> x) {
  const auto k = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  auto r = hn::NegMulAdd(k, hn::Set(d, 0x1.62ep-1f), x);
  r = hn::NegMulAdd(k, hn::Set(d, 0x1.0bfbe8p-15f), r);
  auto sum = hn::Set(d, 1.0f / 5040.0f);
  sum = hn::MulAdd(sum, r, hn::Set(d, 1.0f / 720.0f));
  sum = hn::MulAdd(sum, r, hn::Set(d, 1.0f / 120.0f));
  sum = hn::MulAdd(sum, r, hn::Set(d, 1.0f / 24.0f));
  sum = hn::MulAdd(sum, r, hn::Set(d, 1.0f / 6.0f));
  sum = hn::MulAdd(sum, r, hn::Set(d, 0.5f));
  sum = hn::MulAdd(hn::Mul(r, r), sum, r);
  sum = hn::Add(sum, hn::Set(d, 1.0f));
  // Two factors, so that subnormal results round once, at the end.
  const auto half = hn::Floor(hn::Mul(k, hn::Set(d, 0.5f)));
  auto result = hn::Mul(hn::Mul(sum, PowerOfTwo(d, half)),
                        PowerOfTwo(d, hn::Sub(k, half)));
  result = hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -103.97f)), result);
  const auto infinity = hn::Inf(d);
  return hn::IfThenElse(hn::Gt(x, hn::Set(d, 88.7228f)), infinity, result);
}

void Exp(std::ptrdiff_t count, const float* x, float* y) {
  ForEachPart(count, [&](auto d, std::ptrdiff_t i) HWY_ATTR {
    hn::StoreU(ExpOf(d, hn::LoadU(d, x + i)), d, y + i);
  });
}

void Sgd(const SgdTask& task) {
  ForEachPart(task.elements, [&](auto d, std::ptrdiff_t i) HWY_ATTR {
    const auto weight = hn::LoadU(d, task.parameters + i);
    const auto momentum = hn::Set(d, task.momentum);
    const auto gradient = hn::MulAdd(hn::Set(d, task.weight_decay), weight,
                                     hn::LoadU(d, task.gradient + i));
    const auto velocity =
        hn::MulAdd(momentum, hn::LoadU(d, task.velocity + i), gradient);
    hn::StoreU(velocity, d, task.velocity + i);
    const auto step =
        task.nesterov ? hn::MulAdd(momentum, velocity, gradient) : velocity;
    hn::StoreU(hn::NegMulAdd(hn::Set(d, task.learning_rate), step, weight), d,
               task.parameters + i);
  });
}

void AddVectors(std::ptrdiff_t count, const float* from, float* to) {
  ForEachPart(count, [&](auto d, std::ptrdiff_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, from + i)), d,
               to + i);
  });
}

template <std::size_t... kI>
HWY_INLINE void PeakLoop(std::int64_t steps, float* sink,
                         std::index_sequence<kI...>) {
  const FloatTag d;
  FloatVector sums[] = {hn::Set(d, static_cast<float>(kI))...};
  FloatVector x = hn::Set(d, 0.5f);
  const FloatVector w = hn::Set(d, 1.0f);
  for (std::int64_t step = 0; step < steps; ++step) {
    ((sums[kI] = hn::MulAdd(sums[kI], x, w)), ...);
  }
  ((x = hn::Add(x, sums[kI])), ...);
  *sink = hn::GetLane(x);
}

std::int64_t Peak(std::int64_t steps, float* sink) {
  // Enough chains for two multiply-adds a cycle of latency 4 or 5.
  constexpr std::size_t kChains = 12;
  PeakLoop(steps, sink, std::make_index_sequence<kChains>());
  return steps * static_cast<std::int64_t>(2 * kChains * kLanes);
}

}  // namespace

void AddVector(Kernels& kernels) {
  kernels.exp = Exp;
  kernels.sgd = Sgd;
  kernels.add_vectors = AddVectors;
  kernels.peak = Peak;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddVector);

void AddVectorKernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddVector, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
