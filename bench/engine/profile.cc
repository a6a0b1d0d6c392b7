#include "bench/engine/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "bench/engine/workload.h"
#include "common/nn/engine.h"
#include "common/nn/sgd.h"

namespace fedgap::bench {
namespace {

constexpr double kFloat = sizeof(float);
// A training step's maps of one image stay in the second-level cache; what a
// layer reads, another has just written there.
constexpr std::size_t kCacheTriadBytes = 192 << 10;
constexpr std::size_t kMemoryTriadBytes = 96 << 20;

double Now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string_view NameOf(EnginePhase phase) {
  switch (phase) {
    case EnginePhase::kPackWeights:
      return "pack weights";
    case EnginePhase::kLoadImage:
      return "load image";
    case EnginePhase::kForward:
      return "forward";
    case EnginePhase::kLoss:
      return "loss";
    case EnginePhase::kBiasGradient:
      return "bias gradient";
    case EnginePhase::kWeightGradient:
      return "weight gradient";
    case EnginePhase::kInputGradient:
      return "input gradient";
    case EnginePhase::kCollectGradient:
      return "collect gradient";
  }
  return "";
}

// Elements that move in a phase, in units of the layer's inputs and outputs.
struct Traffic {
  double in = 1;
  double out = 1;
};

// `pools`: a max pool is fused behind a norm.
Traffic TrafficOf(EnginePhase phase, Op op, bool pools) {
  const bool forward = phase == EnginePhase::kForward;
  switch (op) {
    case Op::kAdd:  // two inputs, which can take the output's gradient over
      return forward ? Traffic{2, 1} : Traffic{0, 0};
    case Op::kMaxPool:  // with the winners, or the mask as well
      return forward ? Traffic{1, 2} : Traffic{1, 3};
    case Op::kGroupNorm:
      if (pools) return {forward ? 1.0 : 2.0, 3};  // winners, their inputs
      [[fallthrough]];
    case Op::kRelu:
      return forward ? Traffic{1, 1} : Traffic{2, 1};
    default:
      return {1, 1};
  }
}

struct Ceilings {
  double gflops = 0;
  double cache_gigabytes = 0;
  double memory_gigabytes = 0;

  // Seconds that the work needs at least.
  double Least(const PhaseWork& work) const {
    return std::max(work.flops / gflops, work.bytes / cache_gigabytes) * 1e-9;
  }
};

// One model at one size.
class ModelProfile {
 public:
  ModelProfile(const ProfileOptions& options, const Workload& workload)
      : options_(options), workload_(workload) {}

  void Run() {
    ThreadPool pool(1);
    GradientEngine engine(workload_.model(), pool,
                          {.isa = options_.isa,
                           .precision = options_.precision,
                           .observer = &clock_});
    Parameters parameters = workload_.parameters();
    Parameters gradient(parameters.size());
    Sgd sgd(parameters.size(), {.isa = options_.isa});
    const auto step = [&](int i) {
      clock_.Skip();
      engine.Compute(parameters, workload_.Batch(i % workload_.batches()),
                     gradient);
      const Stopwatch watch(/*cpu_time=*/true);
      sgd.Step(1e-4f, gradient, parameters);
      return watch.seconds();
    };
    step(0);
    clock_ = {};
    const Stopwatch whole(/*cpu_time=*/true);
    do {
      sgd_seconds_ += step(steps_++);
    } while (whole.seconds() < options_.seconds);
    seconds_ = clock_.Seconds();
    inference_seconds_ = TimeInference(pool, parameters);
  }

  nlohmann::json Print(const Ceilings& ceilings) const {
    const Model& model = workload_.model();
    const ImageSize size = workload_.examples()[0].image.size;
    const std::vector<ImageSize> sizes = *model.NodeSizes(size);
    fmt::print(
        "\n{} at {}\n{:<22} {:<17} {:>8} {:>8} {:>8} {:>8} {:>9} {:>6}\n",
        model.spec().name, size.ToString(), "layer", "direction", "MFLOP", "KB",
        "us", "GFLOP/s", "roofline%", "time%");
    const double images =
        static_cast<double>(steps_) * static_cast<double>(options_.batch);
    double total = sgd_seconds_;
    for (const auto& [key, seconds] : seconds_) total += seconds;
    nlohmann::json rows = nlohmann::json::array();
    const auto add = [&](std::string_view layer, std::string_view direction,
                         const PhaseWork& work, double seconds) {
      const double each = seconds / images;
      const double share = work.bytes == 0 ? 0 : ceilings.Least(work) / each;
      fmt::print(
          "{:<22} {:<17} {:>8.3f} {:>8.1f} {:>8.2f} {:>8.1f} {:>9.1f} "
          "{:>6.1f}\n",
          layer, direction, work.flops * 1e-6, work.bytes * 1e-3, each * 1e6,
          work.flops * 1e-9 / each, 100 * share, 100 * seconds / total);
      rows.push_back({{"layer", layer},
                      {"direction", direction},
                      {"flops", work.flops},
                      {"bytes", work.bytes},
                      {"us", each * 1e6},
                      {"gflops", work.flops * 1e-9 / each},
                      {"roofline_share", share},
                      {"time_share", seconds / total}});
    };
    for (const auto& [key, seconds] : seconds_) {
      const auto& [node, phase] = key;
      if (node == nullptr) {
        add("-", NameOf(phase), {}, seconds);
        continue;
      }
      const int input = node->inputs[0];
      const ImageSize in = input == Model::kImage
                               ? size
                               : sizes[static_cast<std::size_t>(input)];
      add(node->spec.name, NameOf(phase),
          WorkOf(phase, *node, in, sizes[LastOfStep(*node)]), seconds);
    }
    add("-", "SGD step", {}, sgd_seconds_);
    return Summary(ceilings, total / images, std::move(rows));
  }

 private:
  // The index of the node, or of the last that is fused behind it: those have
  // no phases of their own.
  std::size_t LastOfStep(const Node& node) const {
    const std::vector<Node>& nodes = workload_.model().nodes();
    auto last = static_cast<std::size_t>(&node - nodes.data());
    for (std::size_t n = last + 1; n < nodes.size(); ++n) {
      const bool timed = seconds_.contains({&nodes[n], EnginePhase::kForward});
      if (!timed && nodes[n].inputs[0] == static_cast<int>(last)) last = n;
    }
    return last;
  }

  // Seconds of an image, the median as for the phases of training.
  double TimeInference(ThreadPool& pool, const Parameters& parameters) const {
    InferenceEngine engine(workload_.model(), pool, options_.isa);
    engine.Load(parameters);
    std::array<float, Workload::kClasses> logits{};
    std::vector<double> times;
    const double start = Now();
    while (times.empty() || Now() - start < options_.seconds / 4) {
      for (const Example& example : workload_.Batch(0)) {
        const double before = Now();
        engine.Run({&example.image, 1}, logits, {});
        times.push_back(Now() - before);
      }
    }
    return Median(times);
  }

  nlohmann::json Summary(const Ceilings& ceilings, double seconds,
                         nlohmann::json rows) const {
    const double flops = workload_.ExampleFlops(Workload::Work::kTraining);
    const double images =
        static_cast<double>(steps_) * static_cast<double>(options_.batch);
    double forward = 0;
    for (const auto& [key, spent] : seconds_) {
      const bool counts = key.second == EnginePhase::kForward ||
                          key.second == EnginePhase::kLoadImage;
      if (counts) forward += spent / images;
    }
    fmt::print(
        "a step: {:.1f} us an image, {:.1f} GFLOP/s, {:.1f} % of the peak; its "
        "forward part {:.1f} us, inference {:.1f} us\n",
        seconds * 1e6, flops * 1e-9 / seconds,
        100 * flops * 1e-9 / seconds / ceilings.gflops, forward * 1e6,
        inference_seconds_ * 1e6);
    std::fflush(stdout);
    return {{"model", workload_.model().spec().name},
            {"size", workload_.examples()[0].image.size.ToString()},
            {"us", seconds * 1e6},
            {"peak_share", flops * 1e-9 / seconds / ceilings.gflops},
            {"forward_us", forward * 1e6},
            {"inference_us", inference_seconds_ * 1e6},
            {"layers", std::move(rows)}};
  }

  const ProfileOptions& options_;
  const Workload& workload_;
  PhaseClock clock_;
  std::map<PhaseClock::Key, double> seconds_;
  int steps_ = 0;
  double sgd_seconds_ = 0;
  double inference_seconds_ = 0;
};

}  // namespace

PhaseWork WorkOf(EnginePhase phase, const Node& node, ImageSize in,
                 ImageSize out) {
  const double inputs = static_cast<double>(in.pixels()) * node.in_channels;
  const double outputs = static_cast<double>(out.pixels()) * node.out_channels;
  const Op op = node.spec.op;
  const Traffic traffic = TrafficOf(phase, op, out != in);
  PhaseWork work;
  if (op != Op::kConv2d && op != Op::kLinear) {
    work.bytes = kFloat * (traffic.in * inputs + traffic.out * outputs);
    return work;
  }
  if (phase == EnginePhase::kBiasGradient) {
    work.bytes = kFloat * outputs;
    return work;
  }
  const auto weights = static_cast<double>(node.weight.size());
  work.bytes = kFloat * (inputs + outputs + weights);
  work.flops = 2 * weights * static_cast<double>(out.pixels());
  return work;
}

void PhaseClock::OnPhaseEnd(EnginePhase phase, const Node* node) {
  calls_[{node, phase}].push_back(Now() - last_);
  last_ = Now();
}

void PhaseClock::Skip() { last_ = Now(); }

std::map<PhaseClock::Key, double> PhaseClock::Seconds() const {
  std::map<Key, double> seconds;
  for (const auto& [key, calls] : calls_) {
    seconds[key] = Median(calls) * static_cast<double>(calls.size());
  }
  return seconds;
}

StatusOr<nlohmann::json> RunProfile(const ProfileOptions& options) {
  Ceilings ceilings;
  ceilings.gflops =
      MeasurePeakGflops(kernels::KernelsFor(options.isa), /*cpu_time=*/true);
  ceilings.cache_gigabytes = MeasureTriadGigabytes(kCacheTriadBytes, true);
  ceilings.memory_gigabytes = MeasureTriadGigabytes(kMemoryTriadBytes, true);
  fmt::print(
      "instruction set {}, one thread; peak {:.1f} GFLOP/s, triad "
      "{:.1f} GB/s in the cache (the roofline's), {:.1f} GB/s in memory\n",
      kernels::ToString(options.isa), ceilings.gflops, ceilings.cache_gigabytes,
      ceilings.memory_gigabytes);
  nlohmann::json models = nlohmann::json::array();
  for (const std::string& name : options.models) {
    for (const int size : options.sizes) {
      if (size == 0) continue;  // the mixed sizes of the other modes
      FEDGAP_ASSIGN_OR_RETURN(auto model, BenchModel(name));
      const std::vector<ImageSize> sizes(
          static_cast<std::size_t>(options.batch), {size, size});
      const Workload workload(std::move(model), sizes, options.batch, 1);
      ModelProfile profile(options, workload);
      profile.Run();
      models.push_back(profile.Print(ceilings));
    }
  }
  return nlohmann::json{{"isa", kernels::ToString(options.isa)},
                        {"peak_gflops", ceilings.gflops},
                        {"cache_triad_gb_s", ceilings.cache_gigabytes},
                        {"memory_triad_gb_s", ceilings.memory_gigabytes},
                        {"models", std::move(models)}};
}

}  // namespace fedgap::bench
