#include "server/aggregation/exact_accumulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/server/aggregation/test_updates.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using Term = ExactAccumulator::Term;
constexpr std::int64_t kElements = 20001;  // several blocks, an odd rest

class ExactAccumulatorTest : public ::testing::Test {
 protected:
  ExactAccumulatorTest() {
    for (std::uint64_t i = 0; i < 7; ++i) {
      vectors_.push_back(
          std::make_unique<MemoryVector>(RandomVector(kElements, i, 3.9)));
    }
  }

  static ExactAccumulator Make(std::int64_t max_weight = 1'000'000,
                               int bins = 1) {
    return ExactAccumulator::Create(kElements, bins, {100, max_weight, 4.0})
        .value();
  }
  std::vector<Term> Terms() const {
    std::vector<Term> terms;
    std::int64_t weight = 1;
    for (const auto& vector : vectors_) {
      terms.push_back({vector.get(), 1.0, {{0, weight}}});
      weight = weight * 7 + 3;
    }
    return terms;
  }
  Parameters Report(const ExactAccumulator& accumulator) {
    Parameters out(kElements);
    EXPECT_OK(accumulator.Report(pool_, out));
    return out;
  }

  ThreadPool pool_{1};
  std::vector<std::unique_ptr<MemoryVector>> vectors_;
};

TEST_F(ExactAccumulatorTest, IsTheWeightedMean) {
  const MemoryVector a({1, 2, 3}), b({4, 5, -6});
  auto accumulator = ExactAccumulator::Create(3, 1, {10, 100, 8}).value();
  const Term terms[] = {{&a, 1.0, {{0, 1}}}, {&b, 0.5, {{0, 3}}}};
  ASSERT_OK(accumulator.Add(terms, pool_));
  Parameters out(3);
  ASSERT_OK(accumulator.Report(pool_, out));
  EXPECT_EQ(out, (Parameters{1.75f, 2.375f, -1.5f}));
  EXPECT_EQ(accumulator.count(), 2);
}

TEST_F(ExactAccumulatorTest, BinsAreAveragedOverThoseThatHoldAnything) {
  const MemoryVector a({2}), b({4}), c({9});
  auto accumulator = ExactAccumulator::Create(1, 4, {10, 100, 16}).value();
  const Term terms[] = {
      {&a, 1.0, {{0, 1}}}, {&b, 1.0, {{0, 1}, {2, 1}}}, {&c, 1.0, {{2, 3}}}};
  ASSERT_OK(accumulator.Add(terms, pool_));
  Parameters out(1);
  ASSERT_OK(accumulator.Report(pool_, out));
  // ((2 + 4) / 2 + (4 + 27) / 4) / 2
  EXPECT_EQ(out[0], 5.375f);
}

TEST_F(ExactAccumulatorTest, OrderAndGroupingDoNotChangeABit) {
  std::vector<Term> terms = Terms();
  ExactAccumulator all = Make(), single = Make(), reverse = Make();
  ASSERT_OK(all.Add(terms, pool_));
  for (const Term& term : terms) ASSERT_OK(single.Add({&term, 1}, pool_));
  std::ranges::reverse(terms);
  ASSERT_OK(reverse.Add(std::span(terms).first(4), pool_));
  ASSERT_OK(reverse.Add(std::span(terms).subspan(4), pool_));
  EXPECT_EQ(Report(all), Report(single));
  EXPECT_EQ(Report(all), Report(reverse));
  EXPECT_EQ(all.Serialize().value(), reverse.Serialize().value());
}

TEST_F(ExactAccumulatorTest, ThreadsDoNotChangeABit) {
  ThreadPool two(2), three(3);
  ExactAccumulator one_thread = Make(), two_threads = Make();
  ASSERT_OK(one_thread.Add(Terms(), pool_));
  ASSERT_OK(two_threads.Add(Terms(), two));
  EXPECT_EQ(one_thread.Serialize().value(), two_threads.Serialize().value());
  Parameters out(kElements);
  ASSERT_OK(two_threads.Report(three, out));
  EXPECT_EQ(out, Report(one_thread));
}

TEST_F(ExactAccumulatorTest, StagedVectorsGiveTheBitsOfThoseInMemory) {
  const FakeStagedVector staged(RandomVector(kElements, 1, 3.9));
  ExactAccumulator from_memory = Make(), from_file = Make();
  const Term in_memory = {vectors_[1].get(), 0.3, {{0, 5}}};
  const Term in_file = {&staged, 0.3, {{0, 5}}};
  ASSERT_OK(from_memory.Add({&in_memory, 1}, pool_));
  ASSERT_OK(from_file.Add({&in_file, 1}, pool_));
  EXPECT_EQ(Report(from_memory), Report(from_file));
}

// Against the same mean in long double, for one and for several digits.
TEST_F(ExactAccumulatorTest, AgreesWithAnExtendedReferenceWithinItsBound) {
  for (const std::int64_t max_weight :
       {std::int64_t{1'000'000}, std::int64_t{1} << 62}) {
    ExactAccumulator accumulator = Make(max_weight);
    ASSERT_OK(accumulator.Add(Terms(), pool_));
    const Parameters out = Report(accumulator);
    long double worst = 0;
    for (std::size_t j = 0; j < out.size(); ++j) {
      long double sum = 0, weights = 0;
      for (const Term& term : Terms()) {
        const auto weight = static_cast<long double>(term.weights[0].weight);
        sum += weight * static_cast<long double>(term.source->InMemory()[j]);
        weights += weight;
      }
      const long double rounding =
          std::abs(sum / weights) * 0x1p-24L;  // of the float32 result
      worst = std::max(
          worst, std::abs(static_cast<long double>(out[j]) - sum / weights) -
                     rounding);
    }
    EXPECT_LE(worst, static_cast<long double>(accumulator.scale().error_bound));
    EXPECT_LE(accumulator.scale().error_bound, 0x1p-32);
  }
}

TEST_F(ExactAccumulatorTest, SeveralDigitsGiveTheMeanOfOne) {
  ExactAccumulator one = Make(1000);
  ExactAccumulator several = Make(std::int64_t{1} << 62);
  EXPECT_EQ(one.scale().digits, 1);
  EXPECT_GT(several.scale().digits, 1);
  const MemoryVector a(RandomVector(kElements, 8)),
      b(RandomVector(kElements, 9));
  const Term terms[] = {{&a, 1.0, {{0, 999}}}, {&b, 1.0, {{0, 123}}}};
  ASSERT_OK(one.Add(terms, pool_));
  ASSERT_OK(several.Add(terms, pool_));
  const Parameters left = Report(one), right = Report(several);
  for (std::size_t j = 0; j < left.size(); ++j) {
    ASSERT_NEAR(left[j], right[j], 1e-7);
  }
}

// More elements than are given back at a time; sums of one digit and of two.
TEST_F(ExactAccumulatorTest, TheLastReportIsTheReportAndEndsTheSums) {
  constexpr std::int64_t kMany = 1'100'003;
  const MemoryVector a(RandomVector(kMany, 1, 3.9));
  const MemoryVector b(RandomVector(kMany, 2, 3.9));
  for (const std::int64_t max_weight :
       {std::int64_t{10}, std::int64_t{1} << 40}) {
    const AccumulatorLimits limits = {100, max_weight, 4.0};
    auto accumulator = ExactAccumulator::Create(kMany, 2, limits).value();
    const Term terms[] = {{&a, 1.0, {{0, 3}}}, {&b, 0.5, {{0, 1}, {1, 7}}}};
    ASSERT_OK(accumulator.Add(terms, pool_));
    Parameters report(kMany);
    ASSERT_OK(accumulator.Report(pool_, report));
    ThreadPool two(2);
    ASSERT_OK_AND_ASSIGN(const Parameters last, accumulator.ReportLast(two));
    EXPECT_EQ(last, report);
    EXPECT_THAT(accumulator.Report(pool_, report),
                Fails(absl::StatusCode::kInternal, HasSubstr("reported")));
    EXPECT_THAT(accumulator.Add(terms, pool_),
                Fails(absl::StatusCode::kInternal, HasSubstr("reported")));
  }
}

TEST_F(ExactAccumulatorTest, SumsOfZeroSurviveTheSerialForm) {
  const MemoryVector zeros(Parameters(kElements, 0.0F));
  ExactAccumulator accumulator = Make(1);
  const Term terms[] = {{&zeros, 1.0, {{0, 1}}}};
  ASSERT_OK(accumulator.Add(terms, pool_));
  ASSERT_OK_AND_ASSIGN(const auto bytes, accumulator.Serialize());
  ASSERT_OK_AND_ASSIGN(const auto read, ExactAccumulator::Deserialize(bytes));
  EXPECT_EQ(Report(read), Parameters(kElements, 0.0F));
}

TEST_F(ExactAccumulatorTest, HoldsTheExtremes) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t weight :
       {std::int64_t{1}, std::int64_t{1} << 20, kMax}) {
    auto accumulator =
        ExactAccumulator::Create(2, 1, {64, weight, 1024}).value();
    const MemoryVector vector({1024.0f, -1024.0f});
    const std::vector<Term> terms(64, Term{&vector, 1.0, {{0, weight}}});
    ASSERT_OK(accumulator.Add(terms, pool_));
    Parameters out(2);
    ASSERT_OK(accumulator.Report(pool_, out));
    EXPECT_EQ(out, (Parameters{1024.0f, -1024.0f})) << weight;
  }
}

TEST_F(ExactAccumulatorTest, MergeEqualsAllAtOnce) {
  const std::vector<Term> terms = Terms();
  ExactAccumulator all = Make(), left = Make(), right = Make();
  ASSERT_OK(all.Add(terms, pool_));
  ASSERT_OK(left.Add(std::span(terms).first(3), pool_));
  ASSERT_OK(right.Add(std::span(terms).subspan(3), pool_));
  ASSERT_OK_AND_ASSIGN(const auto bytes, right.Serialize());
  ASSERT_OK_AND_ASSIGN(const auto received,
                       ExactAccumulator::Deserialize(bytes));
  ASSERT_OK(left.Merge(received));
  EXPECT_EQ(left.Serialize().value(), all.Serialize().value());
  EXPECT_EQ(Report(left), Report(all));
  EXPECT_EQ(left.count(), 7);
}

TEST_F(ExactAccumulatorTest, MergeRefusesOtherAccumulators) {
  ExactAccumulator accumulator = Make();
  EXPECT_THAT(accumulator.Merge(Make(5)),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(accumulator.Merge(Make(1'000'000, 2)),
              HasCode(absl::StatusCode::kInvalidArgument));
  const Term term = {vectors_[0].get(), 1.0, {{0, 1}}};
  ExactAccumulator other = Make();
  for (int i = 0; i < 51; ++i) {
    ASSERT_OK(accumulator.Add({&term, 1}, pool_));
    ASSERT_OK(other.Add({&term, 1}, pool_));
  }
  EXPECT_THAT(accumulator.Merge(other),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(ExactAccumulatorTest, DeserializeFindsEveryFlippedByte) {
  auto accumulator = ExactAccumulator::Create(3, 2, {4, 9, 2}).value();
  const MemoryVector vector({1, -1, 0.5});
  const Term term = {&vector, 1.0, {{1, 9}}};
  ASSERT_OK(accumulator.Add({&term, 1}, pool_));
  ASSERT_OK_AND_ASSIGN(std::vector<std::uint8_t> bytes,
                       accumulator.Serialize());
  ASSERT_OK(ExactAccumulator::Deserialize(bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 0x10;
    EXPECT_THAT(ExactAccumulator::Deserialize(bytes),
                HasCode(absl::StatusCode::kDataLoss));
    bytes[i] ^= 0x10;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ExactAccumulator::Deserialize(std::span(bytes).first(size)),
                HasCode(absl::StatusCode::kDataLoss));
  }
}

TEST_F(ExactAccumulatorTest, AFailedReadChangesNothing) {
  std::vector<Term> terms = Terms();
  ExactAccumulator touched = Make(), untouched = Make();
  ASSERT_OK(touched.Add(std::span(terms).first(2), pool_));
  ASSERT_OK(untouched.Add(std::span(terms).first(2), pool_));
  const FakeStagedVector broken(RandomVector(kElements, 9), 15000);
  terms.push_back({&broken, 1.0, {{0, 3}}});
  ThreadPool two(2);
  for (ThreadPool* pool : {&pool_, &two}) {
    EXPECT_THAT(touched.Add(std::span(terms).subspan(2), *pool),
                HasCode(absl::StatusCode::kDataLoss));
  }
  EXPECT_EQ(touched.count(), 2);
  EXPECT_EQ(touched.Serialize().value(), untouched.Serialize().value());
}

// Readable once: what was added cannot be taken back.
class VanishingVector final : public VectorSource {
 public:
  std::int64_t elements() const override { return kElements; }
  Status Read(std::int64_t, std::span<float> out) const override {
    if (reads_++ > 0) return absl::UnavailableError("gone");
    std::ranges::fill(out, 1.0f);
    return absl::OkStatus();
  }

 private:
  mutable int reads_ = 0;
};

TEST_F(ExactAccumulatorTest, IsVoidWhenAnUpdateCannotBeTakenBack) {
  ExactAccumulator accumulator = Make();
  const VanishingVector vanishing;
  const Term term = {&vanishing, 1.0, {{0, 3}}};
  EXPECT_THAT(accumulator.Add({&term, 1}, pool_),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(accumulator.Add(Terms(), pool_),
              HasCode(absl::StatusCode::kInternal));
  Parameters out(kElements);
  EXPECT_THAT(accumulator.Report(pool_, out),
              HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(accumulator.Serialize(), HasCode(absl::StatusCode::kInternal));
}

TEST_F(ExactAccumulatorTest, RefusesTermsOutOfBounds) {
  const MemoryVector& vector = *vectors_[0];
  const MemoryVector other({1, 2});
  const Term kBad[] = {
      {&other, 1.0, {{0, 1}}},          {&vector, 1.0, {}},
      {&vector, 1.0, {{0, 0}}},         {&vector, 1.0, {{0, -1}}},
      {&vector, 1.0, {{0, 1'000'001}}}, {&vector, 1.0, {{1, 1}}},
      {&vector, 1.0, {{0, 1}, {0, 1}}}, {&vector, 0.0, {{0, 1}}},
      {&vector, 1.5, {{0, 1}}},         {&vector, std::nan(""), {{0, 1}}}};
  ExactAccumulator accumulator = Make();
  for (const Term& term : kBad) {
    EXPECT_THAT(accumulator.Add({&term, 1}, pool_),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
  const Term term = {&vector, 1.0, {{0, 1}}};
  const std::vector<Term> many(101, term);
  EXPECT_THAT(accumulator.Add(many, pool_),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(accumulator.count(), 0);
}

TEST_F(ExactAccumulatorTest, ReportsNothingBeforeTheFirst) {
  Parameters out(kElements);
  EXPECT_THAT(Make().Report(pool_, out),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(ExactAccumulator::Create(-1, 1, {1, 1, 1}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ExactAccumulator::Create(1, 0, {1, 1, 1}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fedgap
