// Which of Highway's targets are built; to be included before its headers.
#ifndef FEDGAP_COMMON_NN_KERNELS_HIGHWAY_TARGETS_H_
#define FEDGAP_COMMON_NN_KERNELS_HIGHWAY_TARGETS_H_

#include <cstdint>

#include "common/nn/kernels/kernels.h"

// SSSE3 adds nothing over SSE4 here; SVE's vectors cannot stand in arrays.
#define FEDGAP_UNUSED_TARGETS \
  (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
// Under the sanitizers each target takes minutes to compile: one wide one and
// the scalar one show what there is to find, the source is the same (but for
// the instruction of AVX512_BF16).
#ifdef FEDGAP_FEW_TARGETS
#define HWY_DISABLED_TARGETS \
  (FEDGAP_UNUSED_TARGETS | HWY_SSE4 | HWY_AVX3 | HWY_AVX3_DL)
#else
#define HWY_DISABLED_TARGETS FEDGAP_UNUSED_TARGETS
#endif

namespace fedgap::kernels {

// Each fills its part of the table with the kernels of a Highway target.
void AddBfloat16Kernels(std::int64_t target, Kernels& kernels);
void AddConvKernels(std::int64_t target, Kernels& kernels);
void AddConvWeightKernels(std::int64_t target, Kernels& kernels);
void AddElementwiseKernels(std::int64_t target, Kernels& kernels);
void AddPoolKernels(std::int64_t target, Kernels& kernels);
void AddNormKernels(std::int64_t target, Kernels& kernels);
void AddNormPoolKernels(std::int64_t target, Kernels& kernels);
void AddVectorKernels(std::int64_t target, Kernels& kernels);

}  // namespace fedgap::kernels

// Calls FUNCTION (named by HWY_EXPORT) as compiled for `target`, without
// touching Highway's own process-wide choice.
#define FEDGAP_CALL_FOR_TARGET(target, FUNCTION, argument)              \
  do {                                                                  \
    hwy::ChosenTarget chosen;                                           \
    chosen.Update(target);                                              \
    constexpr bool kOneTarget = (HWY_TARGETS & (HWY_TARGETS - 1)) == 0; \
    HWY_DISPATCH_TABLE(FUNCTION)                                        \
    [kOneTarget ? 0 : chosen.GetIndex()](argument);                     \
  } while (false)

#endif  // FEDGAP_COMMON_NN_KERNELS_HIGHWAY_TARGETS_H_
