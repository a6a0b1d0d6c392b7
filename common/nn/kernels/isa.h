// The instruction sets that the kernels are compiled for.
#ifndef FEDGAP_COMMON_NN_KERNELS_ISA_H_
#define FEDGAP_COMMON_NN_KERNELS_ISA_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace fedgap::kernels {

// kAvx2, kAvx512, kAvx512Bf16 and kNeon have fused multiply-add and give the
// same bits as each other; kAvx512Bf16 has an instruction for mixed precision.
// kSse4 and kScalar round each product, so that their results differ in the
// last places from the others' (and agree with each other); they are there so
// that every CPU works, slowly.
enum class Isa { kScalar, kSse4, kNeon, kAvx2, kAvx512, kAvx512Bf16 };

// "scalar", "sse4", "neon", "avx2", "avx512", "avx512_bf16".
std::string_view ToString(Isa isa);
// INVALID_ARGUMENT for an unknown name, listing those that run here.
StatusOr<Isa> IsaFromString(std::string_view name);

// Whether results are those that every CPU with fused multiply-add gives.
bool HasPortableBits(Isa isa);

// What this CPU runs, slowest first; never empty.
std::vector<Isa> SupportedIsas();
// The last of them.
Isa BestIsa();

// A paragraph for people: which of them this CPU runs, that `used` is used, and
// what that means for speed, in either precision, and for the promise of the
// same bits.
std::string DescribeIsa(Isa used);

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_ISA_H_
