#include "bench/engine/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

#include <unistd.h>

#include "bench/engine/engine_process.h"
#include "bench/engine/machine.h"
#include "bench/engine/training_engine.h"
#include "bench/engine/workload.h"

namespace fedgap::bench {
namespace {

constexpr int kSeed = 1;
// Above, a first step at a new size is too long to time often.
constexpr int kLargestNewSize = 32;
constexpr double kNewSizeSeconds = 2;

struct EngineKind {
  std::string name;
  std::string program;
  std::string argument;
  std::string algorithm;
  // How far its losses may be from fedgap's, relative to them.
  double tolerance = 1e-4;
};

const std::vector<EngineKind>& EngineKinds() {
  static const std::vector<EngineKind> kinds = {
      {"fedgap", "fedgap_engine", "", ""},
      {"pytorch", "torch_engine.py", "plain", ""},
      {"pytorch-channels-last", "torch_engine.py", "channels-last", ""},
      {"pytorch-tuned", "torch_engine.py", "tuned", ""},
      {"onednn-direct", "onednn_engine", "", "direct"},
      {"onednn-auto", "onednn_engine", "", "auto"},
      {"eigen", "eigen_engine", "", ""},
      // Last: the first one is what the others must agree with.
      {"fedgap-bfloat16", "fedgap_engine", "", "bfloat16", 1e-3},
  };
  return kinds;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// One engine with a model's workload; what its turns gave.
struct Contestant {
  const EngineKind* kind = nullptr;
  std::unique_ptr<EngineProcess> process;
  std::vector<double> gflops;
  nlohmann::json new_size_ms = nullptr;
  double rss_mb = 0;
};

// A file for the workload that the engines read, gone with its owner.
class SharedFile {
 public:
  SharedFile()
      : path_((std::filesystem::temp_directory_path() /
               "fedgap_engine_bench_XXXXXX")
                  .string()) {
    const int descriptor = mkstemp(path_.data());
    if (descriptor >= 0) close(descriptor);
  }
  ~SharedFile() { std::remove(path_.c_str()); }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Comparison {
 public:
  explicit Comparison(const ComparisonOptions& options) : options_(options) {
    signs_ = SizesOfFolder(options.sign_folder);
    signs_read_ = !signs_.empty();
    if (!signs_read_) signs_ = DrawnSignSizes();
  }

  // Calls visit(workload, contestants) for each model and size.
  template <typename Visitor>
  Status ForEachWorkload(const Visitor& visit) {
    for (const std::string& name : options_.models) {
      std::vector<Contestant> contestants = StartEngines();
      for (const int size : options_.sizes) {
        FEDGAP_ASSIGN_OR_RETURN(auto model, BenchModel(name));
        const std::vector<ImageSize> sizes =
            size == 0
                ? signs_
                : std::vector<ImageSize>(static_cast<std::size_t>(
                                             options_.batch * options_.batches),
                                         {size, size});
        const Workload workload(std::move(model), sizes, options_.batch, kSeed);
        FEDGAP_RETURN_IF_ERROR(Load(workload, contestants));
        FEDGAP_RETURN_IF_ERROR(visit(workload, size, contestants));
      }
    }
    return absl::OkStatus();
  }

  Status Measure(const Workload& workload, int size,
                 std::vector<Contestant>& contestants) {
    std::vector<double> peaks;
    for (Contestant& contestant : contestants) contestant.gflops.clear();
    for (int turn = 0; turn < options_.turns; ++turn) {
      peaks.push_back(MeasurePeakGflops(kernels::KernelsFor(options_.isa),
                                        options_.cpu_time));
      for (Contestant& contestant : contestants) {
        FEDGAP_RETURN_IF_ERROR(Train(workload, contestant));
      }
    }
    for (Contestant& contestant : contestants) {
      FEDGAP_RETURN_IF_ERROR(Finish(workload, size, contestant));
      AddRow(workload, size, contestants, contestant, peaks);
    }
    std::fflush(stdout);
    return absl::OkStatus();
  }

  Status Verify(const Workload& workload, int size,
                std::vector<Contestant>& contestants) {
    const nlohmann::json request = {
        {"do", "losses"}, {"steps", 5}, {"learning_rate", 0.05}};
    std::vector<double> ours;
    for (const Contestant& contestant : contestants) {
      FEDGAP_ASSIGN_OR_RETURN(const nlohmann::json reply,
                              contestant.process->Ask(request));
      const auto losses = reply["losses"].get<std::vector<double>>();
      if (ours.empty()) ours = losses;
      double worst = 0;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        worst = std::max(worst, std::abs(losses[i] / ours[i] - 1));
      }
      fmt::print("{:<12} {:>6} {:<22} loss {:.6f} .. {:.6f}, off by {:.1e}\n",
                 workload.model().spec().name, Label(size),
                 contestant.kind->name, losses.front(), losses.back(), worst);
      // Not ">", which no NaN is.
      if (!(worst <= contestant.kind->tolerance)) {
        return absl::InternalError(fmt::format("{} trains {} differently",
                                               contestant.kind->name,
                                               workload.model().spec().name));
      }
    }
    return absl::OkStatus();
  }

  nlohmann::json ToJson() const {
    return {{"isa", kernels::ToString(options_.isa)},
            {"batch", options_.batch},
            {"turns", options_.turns},
            {"cpu_time", options_.cpu_time},
            {"sign_sizes", signs_read_ ? "gtsrb_natural" : "drawn"},
            {"versions", versions_},
            {"left_out", left_out_},
            {"rows", rows_}};
  }

  void PrintHeader() const {
    fmt::print(
        "{}, instruction set {}, one thread, batch {}, {}; 'signs' are the {} "
        "sizes {}\n{:<12} {:>6} {:<22} {:>10} {:>8} {:>7} {:>8} {:>8} {:>7}\n",
        options_.inference ? "evaluation" : "training",
        kernels::ToString(options_.isa), options_.batch,
        options_.cpu_time ? "CPU time" : "elapsed time", signs_.size(),
        signs_read_ ? "of gtsrb_natural's images"
                    : "drawn like those of gtsrb_natural",
        "model", "size", "engine", "samples/s", "GFLOP/s", "peak %", "/pytorch",
        "new ms", "MB");
  }

 private:
  const char* Verb() const { return options_.inference ? "evaluate" : "train"; }
  Workload::Work Work() const {
    return options_.inference ? Workload::Work::kInference
                              : Workload::Work::kTraining;
  }
  static std::string Label(int size) {
    return size == 0 ? "signs" : std::to_string(size);
  }

  void LeaveOut(const EngineKind& kind, const Status& why) {
    // Once for each reason.
    const std::string reason = fmt::format("{}: {}", kind.name, MessageOf(why));
    if (std::ranges::find(left_out_, reason) != left_out_.end()) return;
    fmt::print("left out: {}\n", reason);
    left_out_.push_back(reason);
  }

  std::vector<Contestant> StartEngines() {
    std::vector<Contestant> contestants;
    for (const EngineKind& kind : EngineKinds()) {
      if (std::ranges::find(options_.without, kind.name) !=
          options_.without.end()) {
        continue;
      }
      std::vector<std::string> command = {
          fmt::format("{}/{}", options_.engine_folder, kind.program)};
      if (!kind.argument.empty()) command.push_back(kind.argument);
      auto process = EngineProcess::Start(command);
      if (!process.ok()) {
        LeaveOut(kind, process.status());
        continue;
      }
      Contestant contestant;
      contestant.kind = &kind;
      contestant.process = *std::move(process);
      contestants.push_back(std::move(contestant));
    }
    return contestants;
  }

  // A step allocates for the largest image so far: once through all of them.
  StatusOr<nlohmann::json> WarmUp(const Workload& workload,
                                  Contestant& contestant) const {
    StatusOr<nlohmann::json> reply = nlohmann::json{{"steps", 0}};
    for (int left = workload.batches(); left > 0;
         left -= (*reply)["steps"].get<int>()) {
      reply = contestant.process->Ask({{"do", Verb()}, {"seconds", 0.02}});
      if (!reply.ok()) break;
    }
    return reply;
  }

  // Gives the workload to all engines and drops those that cannot train it.
  Status Load(const Workload& workload, std::vector<Contestant>& contestants) {
    const SharedFile file;
    FEDGAP_ASSIGN_OR_RETURN(nlohmann::json request,
                            workload.ToJson(file.path()));
    request["do"] = "load";
    request["cpu_time"] = options_.cpu_time;
    request["isa"] = kernels::ToString(options_.isa);
    request["shards"] = options_.shards;
    std::erase_if(contestants, [&](Contestant& contestant) {
      request["algorithm"] = contestant.kind->algorithm;
      StatusOr<nlohmann::json> reply = contestant.process->Ask(request);
      if (reply.ok()) {
        if (reply->contains("version")) {
          versions_[contestant.kind->name] = (*reply)["version"];
        }
        reply = WarmUp(workload, contestant);
      }
      if (reply.ok()) return false;
      LeaveOut(*contestant.kind,
               Annotate(reply.status(), workload.model().spec().name));
      return true;
    });
    return absl::OkStatus();
  }

  Status Train(const Workload& workload, Contestant& contestant) {
    FEDGAP_ASSIGN_OR_RETURN(
        const nlohmann::json reply,
        contestant.process->Ask(
            {{"do", Verb()}, {"seconds", options_.seconds}}));
    double flops = 0;
    for (int step = 0; step < reply["steps"].get<int>(); ++step) {
      flops += workload.BatchFlops(
          (reply["first"].get<int>() + step) % workload.batches(), Work());
    }
    contestant.gflops.push_back(flops * 1e-9 / reply["seconds"].get<double>());
    return absl::OkStatus();
  }

  Status Finish(const Workload& workload, int size, Contestant& contestant) {
    FEDGAP_ASSIGN_OR_RETURN(const nlohmann::json memory,
                            contestant.process->Ask({{"do", "memory"}}));
    contestant.rss_mb = memory["rss_mb"].get<double>();
    contestant.new_size_ms = nullptr;
    const ImageSize largest{size - 1, size};
    const bool asks =
        !options_.inference && size > 0 && size <= kLargestNewSize &&
        workload.model().CheckImage(SmallestNewSize(largest)).ok();
    if (!asks) return absl::OkStatus();
    FEDGAP_ASSIGN_OR_RETURN(
        const nlohmann::json reply,
        contestant.process->Ask({{"do", "new_sizes"},
                                 {"height", largest.height},
                                 {"width", largest.width},
                                 {"seconds", kNewSizeSeconds}}));
    contestant.new_size_ms = reply["milliseconds"];
    return absl::OkStatus();
  }

  void AddRow(const Workload& workload, int size,
              const std::vector<Contestant>& contestants,
              const Contestant& contestant, const std::vector<double>& peaks) {
    const auto pytorch = std::ranges::find_if(
        contestants,
        [](const Contestant& other) { return other.kind->name == "pytorch"; });
    std::vector<double> shares;
    std::vector<double> ratios;
    for (std::size_t turn = 0; turn < peaks.size(); ++turn) {
      shares.push_back(contestant.gflops[turn] / peaks[turn]);
      if (pytorch == contestants.end()) continue;
      ratios.push_back(contestant.gflops[turn] / pytorch->gflops[turn]);
    }
    const double gflops = Median(contestant.gflops);
    const double samples = gflops * 1e9 / workload.ExampleFlops(Work());
    const nlohmann::json row = {
        {"work", options_.inference ? "inference" : "training"},
        {"model", workload.model().spec().name},
        {"engine", contestant.kind->name},
        {"size", Label(size)},
        {"samples_per_s", samples},
        {"gflops", gflops},
        {"peak_share", Median(shares)},
        {"to_pytorch",
         ratios.empty() ? nlohmann::json() : nlohmann::json(Median(ratios))},
        {"new_size_ms", contestant.new_size_ms},
        {"rss_mb", contestant.rss_mb}};
    rows_.push_back(row);
    const auto text = [](const nlohmann::json& value, int digits) {
      return value.is_null()
                 ? std::string("-")
                 : fmt::format("{:.{}f}", value.get<double>(), digits);
    };
    fmt::print(
        "{:<12} {:>6} {:<22} {:>10.0f} {:>8.1f} {:>7.1f} {:>8} {:>8} "
        "{:>7.1f}\n",
        workload.model().spec().name, Label(size), contestant.kind->name,
        samples, gflops, 100 * Median(shares), text(row["to_pytorch"], 2),
        text(row["new_size_ms"], 3), contestant.rss_mb);
  }

  const ComparisonOptions& options_;
  std::vector<ImageSize> signs_;
  bool signs_read_ = false;
  std::map<std::string, nlohmann::json> versions_;
  std::vector<std::string> left_out_;
  nlohmann::json rows_ = nlohmann::json::array();
};

}  // namespace

std::vector<std::string> EngineNames() {
  std::vector<std::string> names;
  for (const EngineKind& kind : EngineKinds()) names.push_back(kind.name);
  return names;
}

StatusOr<nlohmann::json> RunComparison(const ComparisonOptions& options) {
  Comparison comparison(options);
  comparison.PrintHeader();
  FEDGAP_RETURN_IF_ERROR(
      comparison.ForEachWorkload([&](const Workload& workload, int size,
                                     std::vector<Contestant>& contestants) {
        return comparison.Measure(workload, size, contestants);
      }));
  return comparison.ToJson();
}

Status VerifyEngines(const ComparisonOptions& options) {
  Comparison comparison(options);
  return comparison.ForEachWorkload([&](const Workload& workload, int size,
                                        std::vector<Contestant>& contestants) {
    return comparison.Verify(workload, size, contestants);
  });
}

}  // namespace fedgap::bench
