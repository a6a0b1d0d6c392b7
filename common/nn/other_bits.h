// What a program says that computes without fused multiply-add.
#ifndef FEDGAP_COMMON_NN_OTHER_BITS_H_
#define FEDGAP_COMMON_NN_OTHER_BITS_H_

#include <optional>
#include <string>
#include <string_view>

#include "common/nn/kernels/isa.h"

namespace fedgap {

// A sentence for people if engines of this instruction set (the best that runs
// here if unset) give other bits than most CPUs; else nothing. A run warns of
// it at each start.
std::string OtherBits(std::optional<kernels::Isa> isa = std::nullopt);

// Whether a warning is that sentence: the report of a run that has it promises
// the same model on such CPUs only.
bool TellsOfOtherBits(std::string_view warning);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_OTHER_BITS_H_
