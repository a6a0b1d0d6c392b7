#include "bench/dashboard/long_log.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "common/telemetry/event_log.h"
#include "tests/testing/manual_clock.h"

namespace fedgap::bench {
namespace {

constexpr int kGroups = 5;
constexpr int kClasses = 10;
constexpr int kEvaluateEvery = 10;
constexpr std::int64_t kTestImages = 2000;  // of each group
constexpr std::int64_t kEdges[kGroups] = {14, 20, 28, 40, 64};

class LongRun {
 public:
  LongRun(const LongLogOptions& options, ManualClock& clock, EventSink& log)
      : options_(options), clock_(clock), log_(log) {
    for (int i = 0; i < options_.clients; ++i) {
      names_.push_back({fmt::format("site-{:03}", i + 1)});
    }
  }

  void Write() {
    Start();
    for (Round round = 1; round <= options_.rounds; ++round) Run(round);
    log_.Emit(RunFinishedEvent{.reason = "completed",
                               .model = {},
                               .rounds = options_.rounds,
                               .seconds = 2.0 * options_.rounds});
  }

 private:
  static int GroupOf(int client) { return client % kGroups; }
  double Noise() { return static_cast<double>(random_() % 10'000) / 10'000; }
  void Pass(int milliseconds) {
    clock_.Advance(std::chrono::milliseconds(milliseconds));
  }

  // Rises to 90 %, faster where images are large.
  double AccuracyAt(Round round, int group) {
    const double time = static_cast<double>(round) / options_.rounds;
    return 0.9 - 0.8 * std::exp(-(4.0 + group) * time) + 0.01 * Noise();
  }
  BatchMetrics SumsAt(Round round, int group, std::int64_t count) {
    const double accuracy = AccuracyAt(round, group);
    const auto n = static_cast<double>(count);
    return {
        .count = count,
        .correct = std::llround(accuracy * n),
        .loss_fixed = std::llround((1.05 - accuracy) * 2.3 * n * (1 << 20))};
  }

  void Start() {
    log_.Emit(RunStartedEvent{
        .run = {"long-0123456789abcdef"},
        .name = "long",
        .seed = 1,
        .rounds = options_.rounds,
        .model = "gap-cnn-gn",
        .parameters = 24'058,
        .layout_hash = "ab12",
        .initial_model = {},
        .group_labels = {"<16", "16-24", "24-34", "34-48", ">=48"},
        .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
        .config_toml = "[run]\nname = \"long\"\nseed = 1\n",
        .software = "fedgap",
        .resumed = false,
        .last_committed = 0});
    for (int i = 0; i < options_.clients; ++i) {
      const std::int64_t edge = kEdges[GroupOf(i)];
      log_.Emit(ClientJoinedEvent{.client = NameOf(i),
                                  .software = "fedgap",
                                  .peer = "ipv4:192.0.2.1:5000",
                                  .samples = 600,
                                  .min_pixels = edge * edge,
                                  .max_pixels = edge * edge,
                                  .returned = false});
    }
  }

  const ClientName& NameOf(int client) const {
    return names_[static_cast<std::size_t>(client)];
  }

  void Run(Round round) {
    log_.Emit(RoundStartedEvent{.round = round,
                                .attempt = 1,
                                .base = {},
                                .cohort = names_,
                                .learning_rate = 0.1,
                                .eligible = options_.clients,
                                .roster = "c0ffee"});
    for (int i = 0; i < options_.clients; ++i) {
      Pass(10);
      log_.Emit(UpdateOf(round, i));
    }
    if (round % 100 == 0) {
      log_.Emit(UpdateRejectedEvent{
          .round = round,
          .client = NameOf(static_cast<int>(round / 100) % options_.clients),
          .code = "INVALID_ARGUMENT",
          .reason = "the delta holds a value that is not finite"});
    }
    Pass(1000);
    log_.Emit(CommitOf(round));
  }

  UpdateAcceptedEvent UpdateOf(Round round, int client) {
    const int group = GroupOf(client);
    const std::int64_t edge = kEdges[group];
    return {.round = round,
            .client = NameOf(client),
            .counts = {{group, 540, 540 * edge * edge}},
            .local_steps = 34,
            .train_seconds = 0.5 + 0.4 * Noise(),
            .arrived_seconds = 1.0 + 0.4 * Noise(),
            .bytes = 99'323,
            .norm = 1 + Noise(),
            .max_abs = 0.1 * Noise(),
            .cosine = Noise() - 0.4,
            .clipped = false,
            .training = SumsAt(round, group, 1080),
            .train_metrics = {{group, SumsAt(round, group, 540)}},
            .held_out_metrics = {{group, SumsAt(round, group, 60)}}};
  }

  RoundCommittedEvent CommitOf(Round round) {
    RoundCommittedEvent event;
    event.round = round;
    event.contributors = names_;
    event.delta_norm = 1 + Noise();
    event.cosine_to_previous = Noise() - 0.3;
    event.training = SumsAt(round, 2, 1080 * std::int64_t{options_.clients});
    std::int64_t pixels = 0;
    for (const std::int64_t edge : kEdges) pixels += edge * edge;
    for (int group = 0; group < kGroups; ++group) {
      const std::int64_t edge = kEdges[group];
      const int clients = options_.clients / kGroups;
      event.group_influence.push_back(
          {group, 1.0 / kGroups,
           static_cast<double>(edge * edge) / static_cast<double>(pixels),
           clients, 540 * std::int64_t{clients},
           540 * std::int64_t{clients} * edge * edge});
      event.client_held_out.push_back(
          {group, SumsAt(round, group, 60 * std::int64_t{clients})});
    }
    for (const ClientName& name : names_) {
      event.client_influence.push_back({name, 1.0 / options_.clients});
    }
    event.evaluated = round % kEvaluateEvery == 0;
    if (event.evaluated) event.evaluation = EvaluationOf(round);
    event.seconds = {.select = 0.001,
                     .collect = 1.8,
                     .aggregate = 0.01,
                     .evaluate = event.evaluated ? 0.15 : 0.0,
                     .commit = 0.02,
                     .total = 2.0};
    event.bytes_up = 99'323 * std::int64_t{options_.clients};
    event.bytes_down = 96'412 * std::int64_t{options_.clients};
    return event;
  }

  ServerEvaluation EvaluationOf(Round round) {
    ServerEvaluation evaluation;
    for (int group = 0; group < kGroups; ++group) {
      const BatchMetrics sums = SumsAt(round, group, kTestImages);
      evaluation.groups.push_back({group, sums});
      evaluation.prototype_groups.push_back({group, sums});
      evaluation.sizes.push_back({.size = fmt::format("{0}x{0}", kEdges[group]),
                                  .group = group,
                                  .sums = sums,
                                  .prototype_correct = sums.correct,
                                  .confusion = Confusion(sums)});
    }
    evaluation.fairness = Summarize(evaluation.groups);
    return evaluation;
  }
  // What is wrong is taken for the next class.
  static std::vector<std::int64_t> Confusion(const BatchMetrics& sums) {
    std::vector<std::int64_t> confusion(kClasses * kClasses);
    for (std::size_t label = 0; label < kClasses; ++label) {
      confusion[label * kClasses + label] = sums.correct / kClasses;
      confusion[label * kClasses + (label + 1) % kClasses] =
          (sums.count - sums.correct) / kClasses;
    }
    return confusion;
  }

  const LongLogOptions& options_;
  ManualClock& clock_;
  EventSink& log_;
  std::vector<ClientName> names_;
  std::mt19937 random_{1};
};

}  // namespace

Status WriteLongLog(const LongLogOptions& options,
                    const std::filesystem::path& run) {
  ManualClock clock;
  FEDGAP_ASSIGN_OR_RETURN(const auto log,
                          EventLog::Open(run / "events", clock));
  LongRun(options, clock, *log).Write();
  log->Flush();
  return log->status();
}

}  // namespace fedgap::bench
