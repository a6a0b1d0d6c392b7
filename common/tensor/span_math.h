// Arithmetic on whole flat buffers, with sums in one fixed order: the same
// bits for any vector width.
#ifndef FEDGAP_COMMON_TENSOR_SPAN_MATH_H_
#define FEDGAP_COMMON_TENSOR_SPAN_MATH_H_

#include <span>

namespace fedgap {

// out = a - b, element by element. All of one size; out may be a or b.
void Subtract(std::span<const float> a, std::span<const float> b,
              std::span<float> out);
// y += alpha x.
void Axpy(float alpha, std::span<const float> x, std::span<float> y);
// x *= alpha.
void Scale(float alpha, std::span<float> x);

// Sums in double over sixteen interleaved partial sums, added pairwise.
double Dot(std::span<const float> a, std::span<const float> b);
double SquaredNorm(std::span<const float> x);
double Norm(std::span<const float> x);

// The largest |x_i|; +infinity if any is NaN or infinite; 0 if empty.
float MaxAbs(std::span<const float> x);
bool AllFinite(std::span<const float> x);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TENSOR_SPAN_MATH_H_
