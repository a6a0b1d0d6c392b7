// What the products of training are rounded to.
#ifndef FEDGAP_COMMON_NN_PRECISION_H_
#define FEDGAP_COMMON_NN_PRECISION_H_

#include <cstdint>
#include <string_view>

namespace fedgap {

// kBfloat16 is mixed precision: convolutions multiply bfloat16 and sum in
// float32; parameters, maps, everything else is float32. The values stand for
// themselves in fedgap.v1.Precision.
enum class Precision : std::uint8_t { kFloat32 = 0, kBfloat16 = 1 };

// "float32", "bfloat16".
constexpr std::string_view ToString(Precision precision) {
  return precision == Precision::kBfloat16 ? "bfloat16" : "float32";
}

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_PRECISION_H_
