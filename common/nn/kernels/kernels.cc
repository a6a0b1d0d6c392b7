#include "common/nn/kernels/kernels.h"

// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/highway.h"
// clang-format on

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace fedgap::kernels {
namespace {

constexpr std::array<std::pair<Isa, std::string_view>, 6> kNames = {{
    {Isa::kScalar, "scalar"},
    {Isa::kSse4, "sse4"},
    {Isa::kNeon, "neon"},
    {Isa::kAvx2, "avx2"},
    {Isa::kAvx512, "avx512"},
    {Isa::kAvx512Bf16, "avx512_bf16"},
}};

std::int64_t HighwayTarget(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return HWY_SCALAR;
    case Isa::kSse4:
      return HWY_SSE4;
    case Isa::kNeon:
      return HWY_NEON;
    case Isa::kAvx2:
      return HWY_AVX2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
      return HWY_AVX3;
  }
  return HWY_SCALAR;
}

bool HasBfloat16Products() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

Kernels MakeKernels(Isa isa) {
  Kernels kernels{};
  kernels.isa = isa;
  const std::int64_t target = HighwayTarget(isa);
  AddBfloat16Kernels(target, kernels);
  AddConvKernels(target, kernels);
  AddConvWeightKernels(target, kernels);
  AddElementwiseKernels(target, kernels);
  AddPoolKernels(target, kernels);
  AddNormKernels(target, kernels);
  AddNormPoolKernels(target, kernels);
  AddVectorKernels(target, kernels);
  return kernels;
}

}  // namespace

std::string_view ToString(Isa isa) {
  for (const auto& [value, name] : kNames) {
    if (value == isa) return name;
  }
  return "unknown";
}

StatusOr<Isa> IsaFromString(std::string_view name) {
  std::string known;
  for (const Isa isa : SupportedIsas()) {
    if (ToString(isa) == name) return isa;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", ToString(isa));
  }
  return absl::InvalidArgumentError(fmt::format(
      "instruction set '{}' does not run here; this CPU has: {}", name, known));
}

bool HasPortableBits(Isa isa) {
  return isa != Isa::kScalar && isa != Isa::kSse4;
}

std::vector<Isa> SupportedIsas() {
  // Asked once: virtual machines trap the instruction that identifies the CPU,
  // which costs 25 us.
  static const std::int64_t supported = hwy::SupportedTargets() & (HWY_TARGETS);
  std::vector<Isa> isas;
  for (const auto& [isa, name] : kNames) {
    if (isa == Isa::kAvx512Bf16 && !HasBfloat16Products()) continue;
    if ((supported & HighwayTarget(isa)) != 0) isas.push_back(isa);
  }
  return isas;
}

Isa BestIsa() {
  static const Isa best = SupportedIsas().back();
  return best;
}

std::string DescribeIsa(Isa used) {
  std::string names;
  for (const Isa isa : SupportedIsas()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", ToString(isa));
  }
  std::string text =
      fmt::format("this CPU runs: {}\nused: {}\n", names, ToString(used));
  if (!HasPortableBits(used)) {
    return text +
           "bits: WITHOUT fused multiply-add; a model differs in its last "
           "digits from one trained on other CPUs\nspeed: slow\n";
  }
  text += "bits: those of every CPU with fused multiply-add\n";
  text += used == Isa::kAvx512Bf16
              ? "mixed precision: two products an instruction\n"
              : "mixed precision: the same bits, no faster than float32\n";
  if (used != BestIsa() && used != Isa::kAvx512) {
    text += fmt::format("speed: {} would be faster\n", ToString(BestIsa()));
  }
  return text;
}

const Kernels& KernelsFor(Isa isa) {
  static const std::array<Kernels, kNames.size()> tables = [] {
    std::array<Kernels, kNames.size()> made{};
    for (const Isa supported : SupportedIsas()) {
      made[static_cast<std::size_t>(supported)] = MakeKernels(supported);
    }
    return made;
  }();
  const Kernels& kernels = tables[static_cast<std::size_t>(isa)];
  FEDGAP_CHECK(kernels.conv != nullptr);
  return kernels;
}

const Kernels& BestKernels() { return KernelsFor(BestIsa()); }

}  // namespace fedgap::kernels
