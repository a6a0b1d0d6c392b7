// Sums over the processes that share a round's work.
#ifndef FEDGAP_SERVER_AGGREGATION_SUM_REDUCER_H_
#define FEDGAP_SERVER_AGGREGATION_SUM_REDUCER_H_

#include <cstdint>
#include <span>

#include "common/base/status.h"

namespace fedgap {

// Every process calls the same functions in the same order with as many values;
// a call returns when this process's part is done. One of them is the root.
// Not thread-safe. UNAVAILABLE: another process is gone.
class SumReducer {
 public:
  virtual ~SumReducer() = default;

  // Element by element, modulo 2^64; the root has the sums afterwards, what the
  // others have is undefined.
  virtual Status SumToRoot(std::span<std::int64_t> values) = 0;
  // The bits that are set anywhere; everybody has them afterwards.
  virtual Status UniteForAll(std::span<std::uint64_t> bits) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_SUM_REDUCER_H_
