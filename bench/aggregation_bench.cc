// Speed of the weighted mean of many updates: the exact order-free accumulator
// beside what gives no such promise, and the memory bandwidth of the machine
// measured in the same run.
//
//   aggregation_bench [--elements N...] [--updates 100] [--threads N]
//                     [--repeats 5] [--json FILE]
//
// Rows: method, elements, updates, threads, gb_per_s (bytes of updates read
// once a second, the median of the repeats), triad_share (of the bandwidth of
// a = b + s c, its three vectors counted once).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#ifdef FEDGAP_WITH_OPENBLAS
#include <cblas.h>
#endif

#include "common/base/check.h"
#include "common/base/counter_rng.h"
#include "server/aggregation/exact_accumulator.h"

namespace fedgap {
namespace {

struct Settings {
  std::vector<std::int64_t> elements = {1'000'000, 10'000'000};
  int updates = 100;
  int threads = 1;
  int repeats = 5;
  std::string json;
};

struct Row {
  std::string method;
  std::int64_t elements = 0;
  int updates = 0;
  int threads = 1;
  double gb_per_s = 0;
  double triad_share = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Row, method, elements, updates, threads,
                                   gb_per_s, triad_share)

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  return taken.count();
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Updates side by side in one block, as sgemv needs them. At most 1 GB of
// different ones, which no cache holds; the others are the same again.
class Updates {
 public:
  Updates(std::int64_t elements, int updates)
      : elements_(static_cast<std::size_t>(elements)),
        distinct_(static_cast<std::size_t>(
            std::clamp<std::int64_t>(250'000'000 / elements, 4, updates))),
        values_(elements_ * distinct_) {
    CounterRng rng(1, RngPurpose::kSynthetic);
    // One random vector, a little different in each update.
    std::vector<float> base(elements_);
    for (float& value : base) {
      value = static_cast<float>(rng.Uniform() - 0.5);
    }
    for (std::size_t i = 0; i < distinct_; ++i) {
      const float factor = 1.0f + 0.01f * static_cast<float>(i);
      for (std::size_t j = 0; j < elements_; ++j) {
        values_[i * elements_ + j] = base[j] * factor;
      }
    }
  }

  std::size_t distinct() const { return distinct_; }
  std::span<const float> update(int i) const {
    return std::span(values_).subspan(
        static_cast<std::size_t>(i) % distinct_ * elements_, elements_);
  }

 private:
  std::size_t elements_;
  std::size_t distinct_;
  Parameters values_;
};

class BorrowedVector final : public VectorSource {
 public:
  explicit BorrowedVector(std::span<const float> values) : values_(values) {}
  std::int64_t elements() const override { return std::ssize(values_); }
  Status Read(std::int64_t, std::span<float>) const override {
    return absl::UnimplementedError("it stands in memory");
  }
  std::span<const float> InMemory() const override { return values_; }

 private:
  std::span<const float> values_;
};

void AddExact(const Settings& settings, const Updates& updates,
              std::size_t together, ExactAccumulator& accumulator,
              ThreadPool& pool) {
  std::vector<BorrowedVector> sources;
  for (int i = 0; i < settings.updates; ++i) {
    sources.emplace_back(updates.update(i));
  }
  std::vector<ExactAccumulator::Term> terms;
  for (const BorrowedVector& source : sources) {
    terms.push_back({&source, 1.0, {{0, 1}}});
  }
  for (std::size_t at = 0; at < terms.size(); at += together) {
    const std::size_t count = std::min(together, terms.size() - at);
    FEDGAP_CHECK(
        accumulator.Add(std::span(terms).subspan(at, count), pool).ok());
  }
}

void AddPlain(const Settings& settings, const Updates& updates, float weight,
              std::span<float> sum) {
  for (int i = 0; i < settings.updates; ++i) {
    const float* values = updates.update(i).data();
    float* out = sum.data();
    for (std::size_t j = 0; j < sum.size(); ++j) out[j] += weight * values[j];
  }
}

// GB/s of a = b + s c over vectors that no cache holds.
double TriadBandwidth() {
  constexpr std::size_t kElements = 32 << 20;
  Parameters a(kElements), b(kElements, 1.0f), c(kElements, 2.0f);
  const auto pass = [&] {
    for (std::size_t j = 0; j < kElements; ++j) a[j] = b[j] + 0.5f * c[j];
  };
  pass();
  const double seconds = SecondsOf(pass);
  FEDGAP_CHECK(a[kElements / 2] == 2.0f);
  return 3.0 * sizeof(float) * kElements / seconds / 1e9;
}

struct Method {
  std::string name;
  std::function<void()> run;
};

std::vector<Method> MakeMethods(const Settings& settings,
                                const Updates& updates,
                                ExactAccumulator& accumulator, ThreadPool& pool,
                                std::span<float> sum) {
  std::vector<Method> methods = {
      {"exact, four together",
       [&] { AddExact(settings, updates, 4, accumulator, pool); }},
      {"exact, sixteen together",
       [&] { AddExact(settings, updates, 16, accumulator, pool); }},
      {"exact, one at a time",
       [&] { AddExact(settings, updates, 1, accumulator, pool); }},
      {"float acc += w x", [&settings, &updates, sum] {
         AddPlain(settings, updates, 0.01f, sum);
       }}};
#ifdef FEDGAP_WITH_OPENBLAS
  methods.push_back({"OpenBLAS sgemv, stacked", [&settings, &updates, sum] {
                       const int rows = static_cast<int>(updates.distinct());
                       const int columns = static_cast<int>(sum.size());
                       for (int at = 0; at < settings.updates; at += rows) {
                         const int part = std::min(rows, settings.updates - at);
                         const std::vector<float> weights(
                             static_cast<std::size_t>(part), 0.01f);
                         cblas_sgemv(CblasRowMajor, CblasTrans, part, columns,
                                     1.0f, updates.update(0).data(), columns,
                                     weights.data(), 1, 1.0f, sum.data(), 1);
                       }
                     }});
#endif
  return methods;
}

void Measure(const Settings& settings, std::int64_t elements,
             std::vector<Row>* rows) {
  const Updates updates(elements, settings.updates);
  ThreadPool pool(settings.threads);
  Parameters sum(static_cast<std::size_t>(elements), 0.0f);
  ExactAccumulator accumulator =
      ExactAccumulator::Create(elements, 1, {1'000'000, 1, 16}).value();
  const std::vector<Method> methods =
      MakeMethods(settings, updates, accumulator, pool, sum);
  const double gigabytes =
      static_cast<double>(elements) * settings.updates * sizeof(float) / 1e9;

  std::vector<double> triads;
  std::vector<std::vector<double>> rates(methods.size());
  // The methods take turns, so that other load meets them all.
  for (int repeat = 0; repeat < settings.repeats; ++repeat) {
    triads.push_back(TriadBandwidth());
    for (std::size_t m = 0; m < methods.size(); ++m) {
      rates[m].push_back(gigabytes / SecondsOf(methods[m].run));
    }
  }
  const double triad = Median(triads);
  rows->push_back({"triad, 1 thread", elements, 0, 1, triad, 1.0});
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const double rate = Median(rates[m]);
    const bool exact = methods[m].name.starts_with("exact");
    rows->push_back({methods[m].name, elements, settings.updates,
                     exact ? settings.threads : 1, rate, rate / triad});
  }
}

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Speed of the exact weighted mean of many updates");
  app.add_option("--elements", settings.elements, "of an update")
      ->check(CLI::Range(1, 100'000'000));
  app.add_option("--updates", settings.updates)->check(CLI::Range(1, 10'000));
  app.add_option("--threads", settings.threads, "of the exact accumulator")
      ->check(CLI::Range(1, 256));
  app.add_option("--repeats", settings.repeats)->check(CLI::Range(1, 100));
  app.add_option("--json", settings.json, "write the rows to this file");
  CLI11_PARSE(app, argc, argv);
#ifdef FEDGAP_WITH_OPENBLAS
  openblas_set_num_threads(1);
#endif

  std::vector<Row> rows;
  for (const std::int64_t elements : settings.elements) {
    Measure(settings, elements, &rows);
  }
  fmt::print("{:<26}{:>12}{:>9}{:>9}{:>9}{:>12}\n", "method", "elements",
             "updates", "threads", "GB/s", "of triad");
  for (const Row& row : rows) {
    fmt::print("{:<26}{:>12}{:>9}{:>9}{:>9.1f}{:>11.0f}%\n", row.method,
               row.elements, row.updates, row.threads, row.gb_per_s,
               100 * row.triad_share);
  }
  if (!settings.json.empty()) {
    std::ofstream(settings.json) << nlohmann::json(rows).dump(2) << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace fedgap

int main(int argc, char** argv) { return fedgap::Main(argc, argv); }
