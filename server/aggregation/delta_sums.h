// What is measured of an update, in one pass.
#ifndef FEDGAP_SERVER_AGGREGATION_DELTA_SUMS_H_
#define FEDGAP_SERVER_AGGREGATION_DELTA_SUMS_H_

#include <span>

namespace fedgap {

struct DeltaSums {
  float max_abs = 0;  // where every value is finite
  // Not finite if a value is not: squares of floats do not overflow.
  double squares = 0;
  double dot = 0;  // with the direction
};

// Over `values`, and the products with `direction`, which is empty (dot is 0)
// or as long. Products are exact in double; the sums run in 16 lanes, element j
// in lane j mod 16, which are then added pairwise from afar: the same bits on
// every instruction set, and Dot's.
DeltaSums SumDelta(std::span<const float> values,
                   std::span<const float> direction);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_DELTA_SUMS_H_
