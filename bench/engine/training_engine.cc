#include "bench/engine/training_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "bench/engine/machine.h"

namespace fedgap::bench {
namespace {

constexpr float kTimingLearningRate = 1e-4f;
constexpr int kNewSizes = 13;

// The i-th, from 1 on.
ImageSize NewSize(ImageSize largest, int i) {
  return {largest.height - i % 2, largest.width - (i + 1) / 2};
}

// The state between two requests.
class Server {
 public:
  explicit Server(TrainingEngineFactory make) : make_(make) {}

  StatusOr<nlohmann::json> Answer(const nlohmann::json& request) {
    const auto what = request["do"].get<std::string>();
    if (what == "load") return Load(request);
    if (engine_ == nullptr) {
      return absl::FailedPreconditionError("nothing is loaded");
    }
    if (what == "train" || what == "evaluate") return Work(request);
    if (what == "losses") return Losses(request);
    if (what == "new_sizes") return NewSizes(request);
    if (what == "memory") {
      return nlohmann::json{{"rss_mb", PeakMemoryMegabytes()}};
    }
    return absl::InvalidArgumentError(fmt::format("no request '{}'", what));
  }

 private:
  StatusOr<nlohmann::json> Load(const nlohmann::json& request) {
    engine_.reset();
    FEDGAP_ASSIGN_OR_RETURN(workload_, Workload::FromJson(request));
    options_ = request;
    cpu_time_ = request["cpu_time"].get<bool>();
    next_ = 0;
    ResetPeakMemory();
    FEDGAP_ASSIGN_OR_RETURN(engine_, make_(*workload_, options_));
    return nlohmann::json::object();
  }

  StatusOr<nlohmann::json> Work(const nlohmann::json& request) {
    const bool train = request["do"] == "train";
    const auto seconds = request["seconds"].get<double>();
    const int first = next_;
    const Stopwatch watch(cpu_time_);
    int steps = 0;
    do {
      const std::span<const Example> batch = workload_->Batch(next_);
      if (train) {
        engine_->Step(batch, kTimingLearningRate);
      } else if (!engine_->Evaluate(batch)) {
        return absl::UnimplementedError("no inference");
      }
      next_ = (next_ + 1) % workload_->batches();
      ++steps;
    } while (watch.seconds() < seconds);
    return nlohmann::json{
        {"seconds", watch.seconds()}, {"first", first}, {"steps", steps}};
  }

  StatusOr<nlohmann::json> Losses(const nlohmann::json& request) {
    FEDGAP_ASSIGN_OR_RETURN(engine_, make_(*workload_, options_));
    const auto learning_rate = request["learning_rate"].get<float>();
    std::vector<double> losses;
    for (int step = 0; step < request["steps"].get<int>(); ++step) {
      losses.push_back(engine_->Step(
          workload_->Batch(step % workload_->batches()), learning_rate));
    }
    return nlohmann::json{{"losses", losses}};
  }

  nlohmann::json NewSizes(const nlohmann::json& request) {
    const ImageSize base{request["height"].get<int>(),
                         request["width"].get<int>()};
    const Stopwatch whole(cpu_time_);
    std::vector<double> costs;
    for (int i = 1; i <= kNewSizes; ++i) {
      if (whole.seconds() > request["seconds"].get<double>()) break;
      const std::vector<Example> batch =
          workload_->SmallBatchOf(NewSize(base, i));
      const double first = TimeStep(batch);
      const double second = std::min(TimeStep(batch), TimeStep(batch));
      costs.push_back((first - second) * 1e3);
    }
    if (costs.size() < 3) return {{"milliseconds", nullptr}};
    std::ranges::sort(costs);
    return {{"milliseconds", std::max(0.0, costs[costs.size() / 2])}};
  }

  double TimeStep(std::span<const Example> batch) {
    const Stopwatch watch(cpu_time_);
    engine_->Step(batch, kTimingLearningRate);
    return watch.seconds();
  }

  TrainingEngineFactory make_;
  nlohmann::json options_;
  std::unique_ptr<const Workload> workload_;
  std::unique_ptr<TrainingEngine> engine_;
  bool cpu_time_ = false;
  int next_ = 0;
};

}  // namespace

ImageSize SmallestNewSize(ImageSize largest) {
  return NewSize(largest, kNewSizes);
}

int ServeRequests(TrainingEngineFactory make) {
  Server server(make);
  for (std::string line; std::getline(std::cin, line);) {
    const StatusOr<nlohmann::json> reply =
        server.Answer(nlohmann::json::parse(line));
    const nlohmann::json said =
        reply.ok() ? *reply
                   : nlohmann::json{{"error", MessageOf(reply.status())}};
    fmt::print("{}\n", said.dump());
    std::fflush(stdout);
  }
  return 0;
}

double SoftmaxLoss(std::span<float> logits, int classes,
                   std::span<const Example> batch) {
  const auto width = static_cast<std::size_t>(classes);
  const float weight = 1.0f / static_cast<float>(batch.size());
  double loss = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::span<float> row = logits.subspan(i * width, width);
    const auto label = static_cast<std::size_t>(batch[i].label);
    const float largest = *std::ranges::max_element(row);
    loss += double{largest} - double{row[label]};
    float sum = 0;
    for (float& value : row) sum += value = std::exp(value - largest);
    loss += std::log(double{sum});
    for (float& value : row) value *= weight / sum;
    row[label] -= weight;
  }
  return loss / static_cast<double>(batch.size());
}

void SgdStep(float learning_rate, std::span<const float> gradient,
             std::span<float> velocity, std::span<float> parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    velocity[i] = TrainingEngine::kMomentum * velocity[i] + gradient[i];
    parameters[i] -= learning_rate * velocity[i];
  }
}

}  // namespace fedgap::bench
