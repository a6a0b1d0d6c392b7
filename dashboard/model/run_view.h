// What the dashboard shows of one run, folded from its event log.
#ifndef FEDGAP_DASHBOARD_MODEL_RUN_VIEW_H_
#define FEDGAP_DASHBOARD_MODEL_RUN_VIEW_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/telemetry/event_summary.h"
#include "common/telemetry/events.h"
#include "dashboard/model/client_history.h"

namespace fedgap {

// One resolution group in one committed round.
struct GroupRow {
  int group = 0;
  double influence = 0;     // share of the aggregation weight
  double pixel_share = 0;   // what weighting by pixels would have given
  double client_share = 0;  // of the clients that hold a group
  int clients = 0;
  std::int64_t samples = 0;
  std::optional<BatchMetrics> evaluation = {};  // the server's, after the round
  std::optional<BatchMetrics> prototypes = {};  // nearest prototype, likewise
  std::optional<BatchMetrics> held_out = {};    // the next cohort's, likewise
};

// Where a round's time went; sums to `total`.
//
// The update that came last decides how long a round collects: `train` and
// `transfer` are that client's, `wait` is what was waited after it.
struct RoundSeconds {
  double wait = 0;
  double train = 0;
  double transfer = 0;
  double aggregate = 0;
  double evaluate = 0;
  double commit = 0;
  double other = 0;
  double total = 0;
};

struct RoundView {
  Round round = 0;
  int attempts = 1;  // that it took
  Clock::WallTime time{};
  int contributors = 0;
  int rejected = 0;  // updates, over all attempts
  std::string ending;
  double learning_rate = 0;
  double train_loss = 0;
  double delta_norm = 0;
  double cosine = 0;  // of the step with the one before
  std::int64_t bytes_up = 0;
  std::int64_t bytes_down = 0;
  RoundSeconds seconds;
  // Of the model after the round: on the server's images.
  std::optional<FairnessSummary> fairness = {};
  // The held-out parts of the clients of the next round, or of those that were
  // asked about the final model.
  std::optional<FairnessSummary> held_out_fairness = {};
  std::vector<GroupRow> groups = {};  // ascending
  std::uint64_t revision = 0;         // of the view, when this last changed
};

struct Rejection {
  Round round = 0;
  Clock::WallTime time{};
  std::string code;
  std::string reason;
};

struct ClientView {
  static constexpr std::size_t kMaxRejections = 8;  // the latest stay

  std::string name;
  std::string software;
  std::string peer;
  std::int64_t samples = 0;
  std::int64_t min_pixels = 0;
  std::int64_t max_pixels = 0;
  // Joined and not gone; absent where there was no such event (simulations).
  std::optional<bool> connected;
  std::string left_reason;
  Clock::WallTime last_seen{};
  std::vector<int> groups;    // of its last update
  std::int64_t accepted = 0;  // that count
  std::int64_t rejected = 0;
  std::int64_t bytes = 0;  // of updates that count
  double influence = 0;    // in its last round
  std::deque<Rejection> rejections;
  ClientHistory history;
  std::uint64_t revision = 0;  // of the view, when this last changed
};

// The newest events of one level, oldest first.
struct EventRow {
  std::uint64_t seq = 0;
  Clock::WallTime time{};
  EventLevel level = EventLevel::kInfo;
  std::string type;
  Round round = 0;
  std::string client;
  std::string text;
};

struct OpenRoundView {
  Round round = 0;  // 0: none
  int attempt = 1;
  int cohort = 0;
  int received = 0;
  Clock::WallTime began{};
};

struct RunView {
  // Clients beyond these are counted only.
  static constexpr std::size_t kMaxClients = 20'000;

  std::uint64_t revision = 0;  // one more for each event
  std::optional<RunStartedEvent> started;
  int starts = 0;
  std::optional<SimulationStartedEvent> simulation;
  Clock::WallTime first{};
  Clock::WallTime last{};
  OpenRoundView open;
  bool paused = false;  // by an operator: no round follows the open one
  std::vector<RoundView> rounds;               // committed, ascending
  std::optional<ServerEvaluation> evaluation;  // the newest
  Round evaluated = 0;                         // its round
  std::vector<ClientView> clients;             // as they appeared
  std::int64_t uncounted_clients = 0;          // updates of clients beyond
  std::optional<FinalEvaluationEvent> final_evaluation;
  std::optional<RunFinishedEvent> finished;
  std::int64_t accepted = 0;
  std::int64_t rejected = 0;
  std::int64_t aborted = 0;
  double virtual_seconds = 0;

  // Expected of the rounds that are left, by the last ten; absent where the
  // run is over or has no round yet.
  std::optional<double> EtaSeconds() const;
};

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_RUN_VIEW_H_
