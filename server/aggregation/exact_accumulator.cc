#include "server/aggregation/exact_accumulator.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "common/base/check.h"
#include "common/base/mutex.h"
#include "server/aggregation/accumulate_kernel.h"

namespace fedgap {
namespace {

// Elements handled at a time: four sources and the sums stay in the second
// cache (4 x 32 KiB + 64 KiB).
constexpr std::int64_t kBlock = 8192;
// Elements that ReportLast reads before it gives their memory back (4 MiB).
constexpr std::int64_t kStretch = 64 * kBlock;
constexpr int kMaxBins = 4096;

int BlockCount(std::int64_t elements) {
  return static_cast<int>((elements + kBlock - 1) / kBlock);
}

}  // namespace

// Terms that one call of the kernel adds.
struct ExactAccumulator::Chunk {
  struct Product {
    std::size_t term = 0;
    double factor = 0;
  };
  struct Target {
    std::int64_t* sums = nullptr;
    std::vector<Product> products;
  };
  std::span<const Term> terms;
  std::vector<Target> targets;
};

// How terms are added: block by block, so that a block's sums stay in the cache
// while all of the chunks are added to it.
struct ExactAccumulator::Plan {
  std::vector<Chunk> chunks;
  // By block, how many chunks are in the sums.
  std::vector<std::size_t> added;
};

StatusOr<ExactAccumulator> ExactAccumulator::Create(
    std::int64_t elements, int bins, const AccumulatorLimits& limits) {
  if (elements < 0 || elements > (std::int64_t{1} << 40) || bins < 1 ||
      bins > kMaxBins) {
    return absl::InvalidArgumentError(fmt::format(
        "no accumulator has {} elements in {} bins", elements, bins));
  }
  ExactAccumulator accumulator;
  FEDGAP_ASSIGN_OR_RETURN(accumulator.scale_, ScaleFor(limits));
  accumulator.elements_ = elements;
  accumulator.limits_ = limits;
  accumulator.bins_.resize(static_cast<std::size_t>(bins));
  for (Bin& bin : accumulator.bins_) {
    bin.digits.resize(static_cast<std::size_t>(accumulator.scale_.digits));
  }
  return accumulator;
}

Status ExactAccumulator::CheckUsable() const {
  if (!broken_) return absl::OkStatus();
  return absl::InternalError(
      "the sums are void: they were reported, or a vector could neither be "
      "read to its end nor be taken back; run the round again");
}

Status ExactAccumulator::CheckTerms(std::span<const Term> terms) const {
  if (count_ + std::ssize(terms) > limits_.max_count) {
    return absl::ResourceExhaustedError(
        fmt::format("the accumulator holds at most {} updates; {} are in and "
                    "{} more were given",
                    limits_.max_count, count_, terms.size()));
  }
  for (const Term& term : terms) {
    if (term.source->elements() != elements_) {
      return absl::InvalidArgumentError(
          fmt::format("the vector has {} elements instead of {}",
                      term.source->elements(), elements_));
    }
    if (!(term.scale > 0 && term.scale <= 1)) {
      return absl::InvalidArgumentError(
          fmt::format("scale {} is not in (0, 1]", term.scale));
    }
    if (term.weights.empty()) {
      return absl::InvalidArgumentError("the vector has no weight");
    }
    int last = -1;
    for (const BinWeight& part : term.weights) {
      if (part.bin <= last || part.bin >= std::ssize(bins_)) {
        return absl::InvalidArgumentError(fmt::format(
            "bin {} of {} is out of order or range", part.bin, bins_.size()));
      }
      if (part.weight < 1 || part.weight > limits_.max_weight) {
        return absl::InvalidArgumentError(fmt::format(
            "weight {} is not in [1, {}]", part.weight, limits_.max_weight));
      }
      last = part.bin;
    }
  }
  return absl::OkStatus();
}

ExactAccumulator::Plan ExactAccumulator::MakePlan(std::span<const Term> terms) {
  Plan plan;
  plan.added.assign(static_cast<std::size_t>(BlockCount(elements_)), 0);
  for (std::size_t at = 0; at < terms.size(); at += kMaxTogether) {
    Chunk& chunk = plan.chunks.emplace_back();
    chunk.terms = terms.subspan(at, std::min(kMaxTogether, terms.size() - at));
    for (Bin& bin : bins_) {
      const auto index = static_cast<int>(&bin - bins_.data());
      for (int digit = 0; digit < scale_.digits; ++digit) {
        PlanTarget(index, digit, &chunk);
      }
    }
  }
  return plan;
}

void ExactAccumulator::PlanTarget(int bin, int digit, Chunk* chunk) {
  const int bits = scale_.digit_bits * digit;
  const std::int64_t mask = scale_.digits == 1
                                ? std::numeric_limits<std::int64_t>::max()
                                : (std::int64_t{1} << scale_.digit_bits) - 1;
  Chunk::Target target;
  for (std::size_t t = 0; t < chunk->terms.size(); ++t) {
    const Term& term = chunk->terms[t];
    const auto part = std::ranges::find(term.weights, bin, &BinWeight::bin);
    if (part == term.weights.end()) continue;
    const std::int64_t value = (part->weight >> bits) & mask;
    if (value == 0) continue;
    const double factor = static_cast<double>(value) * term.scale;
    target.products.push_back({t, std::ldexp(factor, scale_.shift)});
  }
  if (target.products.empty()) return;
  Sums& sums = bins_[static_cast<std::size_t>(bin)]
                   .digits[static_cast<std::size_t>(digit)];
  if (sums.empty()) sums.resize(static_cast<std::size_t>(elements_), 0);
  target.sums = sums.data();
  chunk->targets.push_back(std::move(target));
}

Status ExactAccumulator::AddChunk(const Chunk& chunk, double sign,
                                  std::int64_t begin, std::size_t count,
                                  Parameters& scratch) {
  const float* values[kMaxTogether] = {};
  for (std::size_t t = 0; t < chunk.terms.size(); ++t) {
    const VectorSource& source = *chunk.terms[t].source;
    const std::span<const float> memory = source.InMemory();
    if (!memory.empty()) {
      values[t] = memory.data() + begin;
      continue;
    }
    scratch.resize(kMaxTogether * static_cast<std::size_t>(kBlock));
    const std::span<float> out(
        scratch.data() + t * static_cast<std::size_t>(kBlock), count);
    FEDGAP_RETURN_IF_ERROR(source.Read(begin, out));
    values[t] = out.data();
  }
  for (const Chunk::Target& target : chunk.targets) {
    ScaledVector vectors[kMaxTogether];
    std::size_t used = 0;
    for (const Chunk::Product& product : target.products) {
      vectors[used++] = {values[product.term], sign * product.factor};
    }
    AddRoundedProducts({vectors, used}, target.sums + begin, count);
  }
  return absl::OkStatus();
}

Status ExactAccumulator::Run(Plan& plan, double sign, ThreadPool& pool) const {
  Mutex mutex;
  Status first_error;
  std::atomic<bool> failed = false;
  std::vector<Parameters> scratch(static_cast<std::size_t>(pool.threads()));
  pool.ParallelFor(BlockCount(elements_), [&](int block, int thread) {
    std::size_t& added = plan.added[static_cast<std::size_t>(block)];
    const std::size_t goal = sign > 0 ? plan.chunks.size() : 0;
    const std::int64_t begin = block * kBlock;
    const auto count =
        static_cast<std::size_t>(std::min(kBlock, elements_ - begin));
    while (added != goal && !failed) {
      const std::size_t chunk = sign > 0 ? added : added - 1;
      const Status status = AddChunk(plan.chunks[chunk], sign, begin, count,
                                     scratch[static_cast<std::size_t>(thread)]);
      if (status.ok()) {
        added = sign > 0 ? added + 1 : added - 1;
        continue;
      }
      failed = true;
      MutexLock lock(mutex);
      first_error.Update(status);
    }
  });
  return first_error;
}

Status ExactAccumulator::Add(std::span<const Term> terms, ThreadPool& pool) {
  FEDGAP_RETURN_IF_ERROR(CheckUsable());
  FEDGAP_RETURN_IF_ERROR(CheckTerms(terms));
  Plan plan = MakePlan(terms);
  Status status = Run(plan, 1.0, pool);
  if (!status.ok()) {
    broken_ = !Run(plan, -1.0, pool).ok();
    return status;
  }
  count_ += std::ssize(terms);
  for (const Term& term : terms) {
    for (const BinWeight& part : term.weights) {
      bins_[static_cast<std::size_t>(part.bin)].weight += part.weight;
    }
  }
  return absl::OkStatus();
}

Status ExactAccumulator::Merge(const ExactAccumulator& other) {
  FEDGAP_RETURN_IF_ERROR(CheckUsable());
  FEDGAP_RETURN_IF_ERROR(other.CheckUsable());
  if (other.elements_ != elements_ || other.bins_.size() != bins_.size() ||
      other.limits_ != limits_) {
    return absl::InvalidArgumentError(
        "only accumulators of one layout and one configuration merge");
  }
  if (count_ + other.count_ > limits_.max_count) {
    return absl::ResourceExhaustedError(fmt::format(
        "the accumulator holds at most {} updates; {} are in and {} more were "
        "given",
        limits_.max_count, count_, other.count_));
  }
  for (std::size_t b = 0; b < bins_.size(); ++b) {
    bins_[b].weight += other.bins_[b].weight;
    for (std::size_t digit = 0; digit < bins_[b].digits.size(); ++digit) {
      const Sums& theirs = other.bins_[b].digits[digit];
      Sums& ours = bins_[b].digits[digit];
      if (theirs.empty()) continue;
      if (ours.empty()) ours.resize(theirs.size(), 0);
      for (std::size_t j = 0; j < ours.size(); ++j) {
        ours[j] =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(ours[j]) +
                                      static_cast<std::uint64_t>(theirs[j]));
      }
    }
  }
  count_ += other.count_;
  return absl::OkStatus();
}

double ExactAccumulator::Total(const Bin& bin, std::size_t element) const {
  if (scale_.digits == 1) return static_cast<double>(bin.digits[0][element]);
  Int128 total = 0;
  for (std::size_t digit = 0; digit < bin.digits.size(); ++digit) {
    if (bin.digits[digit].empty()) continue;
    const int bits = scale_.digit_bits * static_cast<int>(digit);
    total += Int128{bin.digits[digit][element]} * (Int128{1} << bits);
  }
  return static_cast<double>(total);
}

StatusOr<std::vector<const ExactAccumulator::Bin*>> ExactAccumulator::HeldBins()
    const {
  FEDGAP_RETURN_IF_ERROR(CheckUsable());
  std::vector<const Bin*> held;
  for (const Bin& bin : bins_) {
    if (bin.weight > 0) held.push_back(&bin);
  }
  if (held.empty()) {
    return absl::FailedPreconditionError("no update was added");
  }
  return held;
}

void ExactAccumulator::ReportBlock(std::span<const Bin* const> held,
                                   std::int64_t begin,
                                   std::span<float> out) const {
  const double unit = std::ldexp(1.0, -scale_.shift);
  const auto first = static_cast<std::size_t>(begin);
  std::vector<double> sums(out.size(), 0.0);
  for (const Bin* bin : held) {
    const auto weight = static_cast<double>(bin->weight);
    if (scale_.digits == 1) {
      if (bin->digits[0].empty()) continue;  // zeros, from a serial form
      const std::int64_t* totals = bin->digits[0].data() + first;
      for (std::size_t j = 0; j < sums.size(); ++j) {
        sums[j] += static_cast<double>(totals[j]) * unit / weight;
      }
    } else {
      for (std::size_t j = 0; j < sums.size(); ++j) {
        sums[j] += Total(*bin, first + j) * unit / weight;
      }
    }
  }
  const auto bins = static_cast<double>(held.size());
  for (std::size_t j = 0; j < sums.size(); ++j) {
    out[j] = static_cast<float>(held.size() > 1 ? sums[j] / bins : sums[j]);
  }
}

void ExactAccumulator::ReportBlocks(std::span<const Bin* const> held,
                                    std::int64_t begin, ThreadPool& pool,
                                    std::span<float> out) const {
  pool.ParallelFor(BlockCount(std::ssize(out)), [&](int block, int) {
    const std::int64_t at = block * kBlock;
    const auto size =
        static_cast<std::size_t>(std::min(kBlock, std::ssize(out) - at));
    ReportBlock(held, begin + at,
                out.subspan(static_cast<std::size_t>(at), size));
  });
}

Status ExactAccumulator::Report(ThreadPool& pool, std::span<float> out) const {
  FEDGAP_ASSIGN_OR_RETURN(const auto held, HeldBins());
  FEDGAP_CHECK(std::ssize(out) == elements_);
  ReportBlocks(held, 0, pool, out);
  return absl::OkStatus();
}

StatusOr<Parameters> ExactAccumulator::ReportLast(ThreadPool& pool) {
  FEDGAP_ASSIGN_OR_RETURN(const auto held, HeldBins());
  broken_ = true;
  Parameters mean;
  mean.reserve(static_cast<std::size_t>(elements_));
  for (std::int64_t begin = 0; begin < elements_; begin += kStretch) {
    const std::int64_t end = std::min(begin + kStretch, elements_);
    mean.resize(static_cast<std::size_t>(end));
    ReportBlocks(held, begin, pool,
                 std::span(mean).subspan(static_cast<std::size_t>(begin)));
    GiveBack(begin, end);
  }
  bins_.clear();
  return mean;
}

void ExactAccumulator::GiveBack(std::int64_t begin, std::int64_t end) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (Bin& bin : bins_) {
    for (Sums& sums : bin.digits) {
      if (sums.empty()) continue;
      // Whole pages, and none that others share.
      auto* const first = reinterpret_cast<char*>(sums.data() + begin);
      const auto* const last = reinterpret_cast<char*>(sums.data() + end);
      const std::size_t skipped =
          (page - reinterpret_cast<std::uintptr_t>(first) % page) % page;
      const auto size = static_cast<std::size_t>(last - first);
      if (size <= skipped) continue;
      ::madvise(first + skipped, (size - skipped) / page * page, MADV_DONTNEED);
    }
  }
}

}  // namespace fedgap
