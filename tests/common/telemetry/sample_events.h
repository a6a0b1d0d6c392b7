// One filled event of each kind.
#ifndef FEDGAP_TESTS_COMMON_TELEMETRY_SAMPLE_EVENTS_H_
#define FEDGAP_TESTS_COMMON_TELEMETRY_SAMPLE_EVENTS_H_

#include <vector>

#include "common/telemetry/events.h"

namespace fedgap {

inline ModelId SampleModel(std::uint8_t fill) {
  ModelId id;
  id.digest.fill(fill);
  return id;
}

inline RunStartedEvent SampleRunStarted() {
  return {.run = {"demo-0123456789abcdef"},
          .name = "demo",
          .seed = 0xffffffffffffffffULL,
          .rounds = 3,
          .model = "gap-cnn-gn",
          .parameters = 24170,
          .layout_hash = "ab12",
          .initial_model = SampleModel(1),
          .group_labels = {"<16", "16-24", ">=24"},
          .class_names = {"shirt", "shoe"},
          .config_toml = "seed = 1\n",
          .software = "fedgap 0.1.0",
          .resumed = false,
          .last_committed = 0};
}

inline ClientJoinedEvent SampleJoined(const char* name) {
  return {.client = {name},
          .software = "fedgap 0.1.0",
          .peer = "ipv4:127.0.0.1:5000",
          .samples = 100,
          .min_pixels = 196,
          .max_pixels = 864,
          .returned = false};
}

inline RoundStartedEvent SampleRoundStarted(Round round) {
  return {.round = round,
          .attempt = 2,
          .base = SampleModel(1),
          .cohort = {{"a"}, {"b"}},
          .learning_rate = 0.1,
          .eligible = 2,
          .roster = "c0ffee"};
}

inline UpdateAcceptedEvent SampleAccepted(Round round, const char* name,
                                          int group) {
  return {.round = round,
          .client = {name},
          .counts = {{group, 90, 90 * 196}},
          .local_steps = 6,
          .train_seconds = 1.25,
          .arrived_seconds = 1.5,
          .bytes = 97000,
          .norm = 0.75,
          .max_abs = 0.01,
          .cosine = -0.5,
          .clipped = true,
          .training = {90, 40, 90 << 20},
          .train_metrics = {{group, {90, 30, 100 << 20}}},
          .held_out_metrics = {{group, {10, 3, 12 << 20}}}};
}

inline RoundCommittedEvent SampleCommitted(Round round) {
  RoundCommittedEvent event;
  event.round = round;
  event.attempt = 2;
  event.model = SampleModel(static_cast<std::uint8_t>(round + 1));
  event.contributors = {{"a"}, {"b"}};
  event.delta_norm = 0.5;
  event.cosine_to_previous = 0.25;
  event.training = {180, 80, 180 << 20};
  event.group_influence = {{0, 0.5, 0.25, 1, 90, 17640},
                           {1, 0.5, 0.75, 1, 90, 52920}};
  event.client_influence = {{{"a"}, 0.5}, {{"b"}, 0.5}};
  event.client_held_out = {{0, {10, 3, 12 << 20}}, {1, {10, 5, 11 << 20}}};
  event.evaluated = true;
  event.seconds = {.select = 0.001,
                   .collect = 1.5,
                   .aggregate = 0.002,
                   .evaluate = 0.4,
                   .commit = 0.01,
                   .total = 2.0};
  event.bytes_up = 200000;
  event.bytes_down = 300000;
  ServerEvaluation& evaluation = event.evaluation;
  evaluation.groups = {{0, {100, 75, 70 << 20}}, {1, {100, 85, 50 << 20}}};
  evaluation.sizes = {
      {"14x14", 0, evaluation.groups[0].sums, 60, {40, 10, 15, 35}},
      {"20x20", 1, evaluation.groups[1].sums, 70, {45, 5, 10, 40}}};
  evaluation.prototype_groups = {{0, {100, 60, 0}}, {1, {100, 70, 0}}};
  evaluation.fairness = Summarize(evaluation.groups);
  return event;
}

// One of each kind, in a plausible order.
inline std::vector<Event> SampleEvents() {
  return {SampleRunStarted(),
          SimulationStartedEvent{1000, "1000 clients", 2},
          SampleJoined("a"),
          SampleJoined("b"),
          SampleRoundStarted(1),
          VirtualRoundEvent{1, 12.5, 13, 10, 100, 1, 2},
          SampleAccepted(1, "a", 0),
          UpdateRejectedEvent{1, {"c"}, "INVALID_ARGUMENT", "NaN at 7"},
          SampleAccepted(1, "b", 1),
          SampleCommitted(1),
          RoundAbortedEvent{2, 1, "quorum missed"},
          ClientLeftEvent{{"b"}, "connection lost"},
          FinalEvaluationEvent{SampleModel(2), {{0, {10, 4, 9 << 20}}}, 2},
          RunFinishedEvent{"completed", SampleModel(2), 1, 2.5},
          WarningEvent{"careful"},
          PauseEvent{true, "operator ops"}};
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_COMMON_TELEMETRY_SAMPLE_EVENTS_H_
