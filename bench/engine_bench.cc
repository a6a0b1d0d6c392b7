// Speed of one training step (forward, cross-entropy, backward, SGD) beside
// the peak of the machine, measured in the same run.
//
//   engine_bench [--json FILE] [--seconds S] [--cpu-time] [--isa NAME]
//                [--threads 1 2] [--models NAME...] [--sizes PX...]
//
// Rows: model, size ("28", or "mixed": sizes like those of natural traffic
// signs, all different), threads, samples_per_s, gflops, peak_share,
// new_size_ms (CPU time that an image of a size not seen before costs beyond
// one of a known size), scratch_mb, rss_mb.
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/counter_rng.h"
#include "common/nn/engine.h"
#include "common/nn/kernels/kernels.h"
#include "common/nn/model_spec.h"
#include "common/nn/sgd.h"

namespace fedgap {
namespace {

double SecondsOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

// Elapsed time or, for machines shared with other work, this process's CPU
// time divided by its threads.
class Stopwatch {
 public:
  Stopwatch(bool cpu_time, int threads)
      : clock_(cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC),
        divisor_(cpu_time ? threads : 1),
        start_(SecondsOf(clock_)) {}

  double seconds() const { return (SecondsOf(clock_) - start_) / divisor_; }

 private:
  clockid_t clock_;
  double divisor_;
  double start_;
};

struct Settings {
  std::vector<std::string> models = BuiltInModelNames();
  std::vector<int> sizes = {14, 28, 32};
  std::vector<int> threads = {1, 2};
  int batch = 32;
  int shards = 4;
  int repeats = 3;
  double seconds = 1.0;
  bool cpu_time = false;
  std::string isa;
  std::string json;
};

struct Row {
  std::string model;
  std::string size;
  int threads = 1;
  double samples_per_s = 0;
  double gflops = 0;
  double peak_share = 0;
  double new_size_ms = 0;
  double scratch_mb = 0;
  double rss_mb = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Row, model, size, threads, samples_per_s,
                                   gflops, peak_share, new_size_ms, scratch_mb,
                                   rss_mb)

double RssMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

// GFLOP/s of fused multiply-adds from registers on all threads of a pool.
double MeasurePeak(const kernels::Kernels& kernels, ThreadPool& pool,
                   bool cpu_time) {
  constexpr std::int64_t kSteps = 4'000'000;
  std::vector<std::int64_t> flops(static_cast<std::size_t>(pool.threads()));
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const Stopwatch watch(cpu_time, pool.threads());
    pool.ParallelFor(pool.threads(), [&](int index, int) {
      float sink = 0;
      flops[static_cast<std::size_t>(index)] = kernels.peak(kSteps, &sink);
    });
    std::int64_t total = 0;
    for (const std::int64_t part : flops) total += part;
    best = std::max(best, static_cast<double>(total) * 1e-9 / watch.seconds());
  }
  return best;
}

// Random images; the pixels of all of them come from one buffer.
class Examples {
 public:
  Examples(int channels, const std::vector<ImageSize>& sizes) {
    std::int64_t most = 0;
    for (const ImageSize& size : sizes) most = std::max(most, size.pixels());
    CounterRng rng(1, RngPurpose::kSynthetic);
    pixels_.resize(
        static_cast<std::size_t>((most + kShift * kImages) * channels));
    for (float& pixel : pixels_) pixel = static_cast<float>(rng.Normal());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::size_t start =
          i % kImages * kShift * static_cast<std::size_t>(channels);
      examples_.push_back({{pixels_.data() + start, sizes[i], channels},
                           static_cast<int>(i % 10)});
    }
  }
  std::span<const Example> all() const { return examples_; }

 private:
  static constexpr std::size_t kShift = 7;
  static constexpr std::size_t kImages = 64;
  Parameters pixels_;
  std::vector<Example> examples_;
};

// One training run that can be timed.
class Trainer {
 public:
  Trainer(const Model& model, ThreadPool& pool, const Settings& settings,
          kernels::Isa isa)
      : threads_(pool.threads()),
        batch_(static_cast<std::size_t>(settings.batch)),
        engine_(model, pool, {settings.shards, isa}),
        parameters_(model.InitialParameters(1)),
        gradient_(parameters_.size()),
        sgd_(parameters_.size(), {}) {}

  void Epoch(std::span<const Example> examples) {
    for (std::size_t at = 0; at < examples.size(); at += batch_) {
      engine_.Compute(
          parameters_,
          examples.subspan(at, std::min(batch_, examples.size() - at)),
          gradient_);
      sgd_.Step(1e-4f, gradient_, parameters_);
    }
  }

  // Seconds of one epoch: the median over `repeats` stretches of epochs.
  double Time(std::span<const Example> examples, const Settings& settings) {
    Epoch(examples);
    std::vector<double> times;
    for (int repeat = 0; repeat < settings.repeats; ++repeat) {
      const Stopwatch watch(settings.cpu_time, threads_);
      int epochs = 0;
      do {
        Epoch(examples);
        ++epochs;
      } while (watch.seconds() < settings.seconds / settings.repeats);
      times.push_back(watch.seconds() / epochs);
    }
    std::nth_element(times.begin(), times.begin() + settings.repeats / 2,
                     times.end());
    return times[static_cast<std::size_t>(settings.repeats / 2)];
  }

  std::size_t scratch_bytes() const { return engine_.scratch_bytes(); }

 private:
  int threads_;
  std::size_t batch_;
  GradientEngine engine_;
  Parameters parameters_;
  Parameters gradient_;
  Sgd sgd_;
};

// Sizes as in a folder of cut-out traffic signs: 25 to 219 px, most of them
// small, nearly all different.
std::vector<ImageSize> MixedSizes() {
  CounterRng rng(2, RngPurpose::kSynthetic);
  std::vector<ImageSize> sizes;
  for (int i = 0; i < 256; ++i) {
    const double u = rng.Uniform();
    const auto height = static_cast<int>(25 + 20 * u + 174 * u * u * u * u * u);
    sizes.push_back({height, height + static_cast<int>(rng.Below(9)) - 4});
  }
  return sizes;
}

class EngineBench {
 public:
  EngineBench(const Settings& settings, kernels::Isa isa)
      : settings_(settings), isa_(isa) {}

  // Prints the rows as they come.
  void Run() {
    fmt::print("instruction set {}\n", kernels::ToString(isa_));
    fmt::print("{:<12} {:>6} {:>8} {:>12} {:>9} {:>7} {:>12} {:>8}\n", "model",
               "size", "threads", "samples/s", "GFLOP/s", "peak %",
               "new size ms", "MB");
    for (const int threads : settings_.threads) {
      ThreadPool pool(threads);
      for (const std::string& name : settings_.models) {
        const int channels = name == "gap-cnn-m" ? 3 : 1;
        StatusOr<ModelSpec> spec =
            BuiltInModel(name, {.input_channels = channels});
        if (!spec.ok()) {
          fmt::print(stderr, "{}\n", MessageOf(spec.status()));
          continue;
        }
        const auto model = Model::Create(*std::move(spec)).value();
        for (const int size : settings_.sizes) {
          const std::vector<ImageSize> sizes(256, ImageSize{size, size});
          Measure(*model, pool, fmt::format("{}", size), sizes);
        }
        Measure(*model, pool, "mixed", MixedSizes());
      }
    }
  }

  nlohmann::json ToJson() const {
    return {{"isa", kernels::ToString(isa_)},
            {"batch", settings_.batch},
            {"shards", settings_.shards},
            {"rows", rows_}};
  }

 private:
  void Measure(const Model& model, ThreadPool& pool, const std::string& label,
               const std::vector<ImageSize>& sizes) {
    const Examples examples(model.spec().input_channels, sizes);
    double flops = 0;
    for (const ImageSize& size : sizes) {
      flops += static_cast<double>(model.TrainingFlops(size));
    }
    const double peak =
        MeasurePeak(kernels::KernelsFor(isa_), pool, settings_.cpu_time);
    Trainer trainer(model, pool, settings_, isa_);
    const double seconds = trainer.Time(examples.all(), settings_);
    Row row;
    row.model = model.spec().name;
    row.size = label;
    row.threads = pool.threads();
    row.samples_per_s = static_cast<double>(sizes.size()) / seconds;
    row.gflops = flops * 1e-9 / seconds;
    row.peak_share = row.gflops / peak;
    row.scratch_mb = static_cast<double>(trainer.scratch_bytes()) / 1e6;
    if (pool.threads() == 1 && label != "mixed") {
      row.new_size_ms = NewSizeMilliseconds(model, pool, sizes[0]);
    }
    row.rss_mb = RssMegabytes();
    fmt::print(
        "{:<12} {:>6} {:>8} {:>12.0f} {:>9.1f} {:>7.1f} {:>12.3f} "
        "{:>8.1f}\n",
        row.model, row.size, row.threads, row.samples_per_s, row.gflops,
        100 * row.peak_share, row.new_size_ms, row.scratch_mb);
    std::fflush(stdout);
    rows_.push_back(row);
  }

  // Sizes that change with every image against the same images sorted by
  // size.
  double NewSizeMilliseconds(const Model& model, ThreadPool& pool,
                             ImageSize size) const {
    std::vector<ImageSize> sorted;
    std::vector<ImageSize> changing;
    const ImageSize other{size.height, size.width + 1};
    for (int i = 0; i < 256; ++i) {
      sorted.push_back(i < 128 ? size : other);
      // Shard j takes every `shards`-th image, one shard after the other.
      changing.push_back(i / settings_.shards % 2 == 0 ? size : other);
    }
    const Examples still(model.spec().input_channels, sorted);
    const Examples moving(model.spec().input_channels, changing);
    Trainer trainer(model, pool, settings_, isa_);
    const double base = trainer.Time(still.all(), settings_);
    const double with_changes = trainer.Time(moving.all(), settings_);
    return std::max(0.0, (with_changes - base) * 1e3 / 256);
  }

  Settings settings_;
  kernels::Isa isa_;
  std::vector<Row> rows_;
};

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Speed of the CNN engine's training step");
  app.add_option("--json", settings.json, "Write the rows to this file");
  app.add_option("--seconds", settings.seconds, "Time for each row");
  app.add_flag("--cpu-time", settings.cpu_time,
               "Measure CPU time, on a machine shared with other work");
  app.add_option("--isa", settings.isa, "Instruction set (default: the best)");
  app.add_option("--threads", settings.threads, "Numbers of threads");
  app.add_option("--models", settings.models, "Built-in models");
  app.add_option("--sizes", settings.sizes, "Image heights and widths, px");
  app.add_option("--batch", settings.batch, "Examples a step");
  app.add_option("--shards", settings.shards, "Gradient shards");
  CLI11_PARSE(app, argc, argv);

  kernels::Isa isa = kernels::BestIsa();
  if (!settings.isa.empty()) {
    const StatusOr<kernels::Isa> parsed = kernels::IsaFromString(settings.isa);
    if (!parsed.ok()) {
      fmt::print(stderr, "{}\n", MessageOf(parsed.status()));
      return 1;
    }
    isa = *parsed;
  }
  EngineBench bench(settings, isa);
  bench.Run();
  if (!settings.json.empty()) {
    std::ofstream file(settings.json);
    file << bench.ToJson().dump(2) << '\n';
    if (!file.flush()) {
      fmt::print(stderr, "cannot write {}\n", settings.json);
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace fedgap

int main(int argc, char** argv) { return fedgap::Main(argc, argv); }
