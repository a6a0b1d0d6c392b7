// What happens in a run, one struct a kind of event; docs/EVENTS.md has the
// JSON form and the meaning of every field.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENTS_H_
#define FEDGAP_COMMON_TELEMETRY_EVENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/federation/ids.h"
#include "common/federation/influence.h"
#include "common/federation/metrics.h"
#include "common/federation/update.h"

namespace fedgap {

struct RunStartedEvent {
  RunId run;
  std::string name;
  std::uint64_t seed = 0;
  int rounds = 0;
  std::string model;            // its name
  std::int64_t parameters = 0;  // elements of the federated range
  std::string layout_hash;      // hex
  ModelId initial_model;
  std::vector<std::string> group_labels;
  std::vector<std::string> class_names;
  std::string config_toml;  // the whole configuration, as it took effect
  std::string software;
  bool resumed = false;
  Round last_committed = 0;
};

// The run's clients are simulated; follows run_started.
struct SimulationStartedEvent {
  std::int64_t clients = 0;  // in all
  std::string population;    // for a person
  int threads = 1;
};

// What an attempt at a round would have taken, where clients' behaviour is
// simulated; before its commit or abort.
struct VirtualRoundEvent {
  Round round = 0;
  double seconds = 0;
  int selected = 0;
  int contributors = 0;
  int unavailable = 0;  // of the population
  int dropped = 0;      // selected, but never answer
  int late = 0;         // selected, but slower than the round
};

struct ClientJoinedEvent {
  ClientName client;
  std::string software;
  std::string peer;  // address
  std::int64_t samples = 0;
  std::int64_t min_pixels = 0;
  std::int64_t max_pixels = 0;
  bool returned = false;  // known from before
};

struct ClientLeftEvent {
  ClientName client;
  std::string reason;  // "left", "connection lost", "expelled: why", ...
};

struct RoundStartedEvent {
  Round round = 0;
  int attempt = 1;
  ModelId base;
  std::vector<ClientName> cohort;  // sorted
  double learning_rate = 0;
  // Clients that the cohort was drawn from, and their names' SHA-256 (hex): the
  // round can be repeated with the same ones only.
  std::int64_t eligible = 0;
  std::string roster = {};
};

// An update that counts.
struct UpdateAcceptedEvent {
  Round round = 0;
  ClientName client;
  std::vector<GroupCounts> counts;
  std::int64_t local_steps = 0;
  double train_seconds = 0;
  double arrived_seconds = 0;  // after the round began
  std::int64_t bytes = 0;
  double norm = 0;     // Euclidean, of delta
  double max_abs = 0;  // of delta
  // With the previous round's global delta; 0 where there is none.
  double cosine = 0;
  bool clipped = false;
  BatchMetrics training;
  std::vector<GroupMetrics> train_metrics;
  std::vector<GroupMetrics> held_out_metrics;
};

struct UpdateRejectedEvent {
  Round round = 0;
  ClientName client;
  std::string code;    // of the status: "INVALID_ARGUMENT", ...
  std::string reason;  // the message that the client was sent
};

struct PhaseSeconds {
  double select = 0;
  double collect = 0;  // from the first task out to the last update in
  double aggregate = 0;
  double evaluate = 0;
  double commit = 0;
  double total = 0;
};

struct ServerEvaluation {
  // Accuracy per evaluation size, as given in the config; "" where each image
  // keeps its own.
  struct Size {
    std::string size;
    int group = 0;
    BatchMetrics sums;
    std::int64_t prototype_correct = 0;  // nearest prototype == label
    // confusion[label * classes + predicted].
    std::vector<std::int64_t> confusion;
  };
  std::vector<Size> sizes;
  std::vector<GroupMetrics> groups;
  // Nearest-prototype accuracy beside the head's, per group; empty where there
  // are no prototypes.
  std::vector<GroupMetrics> prototype_groups;
  FairnessSummary fairness;
};

struct RoundCommittedEvent {
  Round round = 0;
  int attempt = 1;
  ModelId model;
  std::vector<ClientName> contributors;  // sorted
  // "complete": everybody who was asked; else "over_selection", "deadline" or
  // "departures": the set depends on time, the run is replayable.
  std::string ending = "complete";
  double delta_norm = 0;
  double cosine_to_previous = 0;
  BatchMetrics training;  // over the cohort's local steps
  std::vector<GroupInfluence> group_influence;
  std::vector<ClientInfluence> client_influence;
  std::vector<GroupMetrics> client_held_out;  // of the model BEFORE this round
  bool evaluated = false;
  ServerEvaluation evaluation;  // of the model AFTER this round
  PhaseSeconds seconds;
  std::int64_t bytes_up = 0;    // vectors and messages from clients
  std::int64_t bytes_down = 0;  // models and tasks to them
};

struct RoundAbortedEvent {
  Round round = 0;
  int attempt = 1;
  std::string reason;
};

// After the last round: the clients' own held-out parts, with the final model.
struct FinalEvaluationEvent {
  ModelId model;
  std::vector<GroupMetrics> client_held_out;
  int clients = 0;
};

struct RunFinishedEvent {
  // "completed", "target reached", "no progress", "stopped by operator NAME",
  // or "interrupted (SIGINT)": then the run can be gone on with.
  std::string reason;
  ModelId model;
  Round rounds = 0;
  double seconds = 0;
};

// Of a run's reason: whether it was left off, and can be gone on with.
inline bool WasInterrupted(std::string_view reason) {
  return reason.starts_with("interrupted");
}

struct WarningEvent {
  std::string message;
};

// An operator paused the run, or lets it go on.
struct PauseEvent {
  bool paused = false;
  std::string by;  // "operator NAME", or without TLS "an operator"
};

using Event =
    std::variant<RunStartedEvent, SimulationStartedEvent, VirtualRoundEvent,
                 ClientJoinedEvent, ClientLeftEvent, RoundStartedEvent,
                 UpdateAcceptedEvent, UpdateRejectedEvent, RoundCommittedEvent,
                 RoundAbortedEvent, FinalEvaluationEvent, RunFinishedEvent,
                 WarningEvent, PauseEvent>;

// Takes events as they happen. Thread-safe; does not block on the disk except
// in Flush. Implementations: EventLog (a file), RecordingEventSink in tests.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Emit(const Event& event) = 0;
  // Returns when everything emitted before is on the disk.
  virtual void Flush() = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENTS_H_
