#include "common/nn/other_bits.h"

#include <fmt/format.h>

namespace fedgap {
namespace {

// Logs are read for it: it stays as it is.
constexpr std::string_view kBeginning = "no fused multiply-add here";

}  // namespace

std::string OtherBits(std::optional<kernels::Isa> isa) {
  const kernels::Isa used = isa.value_or(kernels::BestIsa());
  if (kernels::HasPortableBits(used)) return "";
  return fmt::format(
      "{} (instruction set {}): a model differs in its last digits from one "
      "trained on other CPUs, and training is slow",
      kBeginning, kernels::ToString(used));
}

bool TellsOfOtherBits(std::string_view warning) {
  return warning.starts_with(kBeginning);
}

}  // namespace fedgap
