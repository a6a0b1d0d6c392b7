// Weighted sums of vectors that do not depend on the order of addition.
#ifndef FEDGAP_SERVER_AGGREGATION_EXACT_ACCUMULATOR_H_
#define FEDGAP_SERVER_AGGREGATION_EXACT_ACCUMULATOR_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/tensor/parameters.h"
#include "server/aggregation/accumulator_scale.h"
#include "server/aggregation/contribution.h"
#include "server/aggregation/sum_reducer.h"

namespace fedgap {

// The integer weight that a contribution has in one bin.
struct BinWeight {
  int bin = 0;
  std::int64_t weight = 0;
  bool operator==(const BinWeight&) const = default;
};

// For each bin b, sum_i a_ib and, element by element, sum_i rint(a_ib d_ij 2^s)
// in int64 (AccumulatorScale says what becomes of weights too large for that).
// Integer sums commute: any order, grouping or number of threads gives the
// same bits. Which values are allowed is decided from the update and the
// limits alone, never from what was added before. Not thread-safe; movable.
class ExactAccumulator {
 public:
  // One weighted vector, every element of it finite and within
  // limits.max_abs_value once multiplied by `scale` (the caller has checked).
  struct Term {
    const VectorSource* source = nullptr;
    double scale = 1.0;              // in (0, 1]
    std::vector<BinWeight> weights;  // ascending bins, weights >= 1
  };

  // Sums of `elements` numbers in `bins` bins. The errors of ScaleFor. Memory:
  // 8 bytes an element for each bin and digit that is really used.
  static StatusOr<ExactAccumulator> Create(std::int64_t elements, int bins,
                                           const AccumulatorLimits& limits);
  ExactAccumulator(ExactAccumulator&&) noexcept = default;
  ExactAccumulator& operator=(ExactAccumulator&&) noexcept = default;

  // Adds all of `terms` in one pass over the sums: the more together, the
  // faster. INVALID_ARGUMENT: a length, bin, scale or weight is out of bounds;
  // RESOURCE_EXHAUSTED: more than limits.max_count; errors of Read. After an
  // error the sums are what they were: what was added of a vector that cannot
  // be read to its end is added again with the opposite sign, which in integers
  // is exact. Should that read fail as well, the accumulator is void and every
  // later call fails (INTERNAL).
  Status Add(std::span<const Term> terms, ThreadPool& pool);

  // Adds another's sums, of the same elements, bins and limits (else
  // INVALID_ARGUMENT). RESOURCE_EXHAUSTED as for Add.
  Status Merge(const ExactAccumulator& other);

  // Merges the accumulators of several processes, all of the same elements,
  // bins and limits, into the root's: each calls it at the same time. What
  // travels is 8 bytes an element for each bin and digit that anybody used.
  // The others' sums are void afterwards. RESOURCE_EXHAUSTED at the root as for
  // Add; the reducer's errors, after which the sums are void as well.
  Status Reduce(SumReducer& reducer, bool is_root);

  // The mean of each bin, sum_i a_ib d_i / sum_i a_ib, averaged over the bins
  // that hold anything; divided once, in double, rounded to float once.
  // FAILED_PRECONDITION if nothing was added.
  Status Report(ThreadPool& pool, std::span<float> out) const;

  // The same; the memory of the sums goes back to the system as they are read
  // and the mean grows, so that the two never stand in memory together. Void
  // afterwards.
  StatusOr<Parameters> ReportLast(ThreadPool& pool);

  // Little-endian; equal sums give equal bytes. Deserialize: DATA_LOSS for
  // anything that Serialize has not written.
  StatusOr<std::vector<std::uint8_t>> Serialize() const;
  static StatusOr<ExactAccumulator> Deserialize(
      std::span<const std::uint8_t> bytes);

  std::int64_t elements() const { return elements_; }
  std::int64_t count() const { return count_; }  // of terms
  const AccumulatorScale& scale() const { return scale_; }

 private:
  __extension__ using Int128 = __int128;
  using Sums = std::vector<std::int64_t, AlignedAllocator<std::int64_t>>;
  struct Bin {
    Int128 weight = 0;
    std::vector<Sums> digits;  // each empty until it is needed
  };
  struct Chunk;
  struct Plan;
  struct ReducedHead;

  ExactAccumulator() = default;
  Status CheckTerms(std::span<const Term> terms) const;
  Plan MakePlan(std::span<const Term> terms);
  void PlanTarget(int bin, int digit, Chunk* chunk);
  static Status AddChunk(const Chunk& chunk, double sign, std::int64_t begin,
                         std::size_t count, Parameters& scratch);
  // Adds (sign +1) what is planned, or takes back (-1) what was added of it.
  Status Run(Plan& plan, double sign, ThreadPool& pool) const;
  Status ReduceSums(SumReducer& reducer);
  StatusOr<ReducedHead> ReduceHead(SumReducer& reducer) const;
  StatusOr<std::vector<const Bin*>> HeldBins() const;
  // Of the elements from `begin` on, as many as `out` has.
  void ReportBlocks(std::span<const Bin* const> held, std::int64_t begin,
                    ThreadPool& pool, std::span<float> out) const;
  void ReportBlock(std::span<const Bin* const> held, std::int64_t begin,
                   std::span<float> out) const;
  double Total(const Bin& bin, std::size_t element) const;
  void GiveBack(std::int64_t begin, std::int64_t end);
  Status CheckUsable() const;

  std::int64_t elements_ = 0;
  AccumulatorLimits limits_;
  AccumulatorScale scale_;
  std::int64_t count_ = 0;
  std::vector<Bin> bins_;
  bool broken_ = false;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_EXACT_ACCUMULATOR_H_
