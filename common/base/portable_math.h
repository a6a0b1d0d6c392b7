// Elementary functions with the same bits on every machine: plain IEEE-754
// arithmetic and std::fma, no libm beyond sqrt and fma. For decode, partition,
// schedules and server optimisers; the training kernels have their own.
#ifndef FEDGAP_COMMON_BASE_PORTABLE_MATH_H_
#define FEDGAP_COMMON_BASE_PORTABLE_MATH_H_

namespace fedgap {

// Relative error under 2^-50 over the whole double range (tested against long
// double). Log of 0 is -infinity, of a negative number NaN.
double PortableExp(double x);
double PortableLog(double x);
// exp(y log x) for x > 0: relative error under 2^-40 for |y log x| < 700.
double PortablePow(double x, double y);
// Error under 2^-48 for |x| <= 1e6.
double PortableCos(double x);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_PORTABLE_MATH_H_
