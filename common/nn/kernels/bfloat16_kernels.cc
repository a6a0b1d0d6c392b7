#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/bfloat16_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include "common/nn/kernels/bfloat16-inl.h"
#include "common/nn/kernels/bfloat16.h"
#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

using HalfTag = hn::CappedTag<float, kPairDistance>;
constexpr auto kHalfLanes =
    static_cast<std::ptrdiff_t>(hn::MaxLanes(HalfTag()));

void ChannelPairs(std::ptrdiff_t pixels, int channels, const float* from,
                  float* to) {
  const HalfTag d;
  const std::ptrdiff_t padded = PadChannels(channels);
  // Lanes that stand for no channel may hold anything.
  const auto load = [&](std::ptrdiff_t channel) HWY_ATTR {
    const std::ptrdiff_t valid = channels - channel;
    const auto all = hn::Load(d, from + channel);
    if (valid >= kHalfLanes) return all;
    const auto lanes = static_cast<std::size_t>(valid > 0 ? valid : 0);
    return hn::IfThenElseZero(hn::FirstN(d, lanes), all);
  };
  for (std::ptrdiff_t p = 0; p < pixels; ++p) {
    for (std::ptrdiff_t block = 0; block < padded; block += kChannelBlock) {
      for (std::ptrdiff_t i = 0; i < kPairDistance; i += kHalfLanes) {
        const std::ptrdiff_t channel = block + i;
        hn::Store(PairOf(d, load(channel), load(channel + kPairDistance)), d,
                  to + block / 2 + i);
      }
    }
    from += padded;
    to += padded / 2;
  }
}

void RowPairs(std::ptrdiff_t count, std::ptrdiff_t step, const float* from,
              float* to) {
  const auto pairs = [&](auto d, std::ptrdiff_t end,
                         std::ptrdiff_t begin) HWY_ATTR {
    const auto lanes = static_cast<std::ptrdiff_t>(hn::Lanes(d));
    for (; begin + lanes <= end; begin += lanes) {
      const std::ptrdiff_t partner = begin + step;
      const auto second =
          partner + lanes <= count ? hn::LoadU(d, from + partner) : hn::Zero(d);
      hn::StoreU(PairOf(d, hn::LoadU(d, from + begin), second), d, to + begin);
    }
    return begin;
  };
  // Those with a partner, those without.
  const hn::CappedTag<float, 1> one;
  const std::ptrdiff_t paired = count > step ? count - step : 0;
  std::ptrdiff_t at = pairs(FloatTag(), paired, 0);
  at = pairs(one, paired, at);
  at = pairs(FloatTag(), count, at);
  pairs(one, count, at);
}

}  // namespace

void AddBfloat16(Kernels& kernels) {
  kernels.channel_pairs = ChannelPairs;
  kernels.row_pairs = RowPairs;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddBfloat16);

void AddBfloat16Kernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddBfloat16, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
