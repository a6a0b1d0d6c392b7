#include "common/telemetry/progress_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/telemetry/human_log.h"

namespace fedgap {
namespace {

constexpr std::size_t kEtaRounds = 5;

std::string Accuracy(const char* label, const FairnessSummary& fairness) {
  return fmt::format("  {} {:.1f} % (worst {:.1f}, gap {:.1f})", label,
                     fairness.mean * 100, fairness.worst * 100,
                     fairness.gap * 100);
}

std::string RunLine(const RunStartedEvent& run) {
  if (run.resumed) {
    return fmt::format("run {} goes on after round {} of {}", run.run.value,
                       run.last_committed, run.rounds);
  }
  return fmt::format("run {}: {}, {} parameters, {} rounds", run.run.value,
                     run.model, run.parameters, run.rounds);
}

double MegaBytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

}  // namespace

std::string HumanDuration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::round(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

void ProgressPrinter::Emit(const Event& event) {
  MutexLock lock(mutex_);
  if (options_.clients) TakeClientEvent(event);
  TakeRoundEvent(event);
}

void ProgressPrinter::Say(const std::string& text) {
  MutexLock lock(mutex_);
  Line(text);
}

void ProgressPrinter::TakeClientEvent(const Event& event) {
  if (const auto* join = std::get_if<ClientJoinedEvent>(&event)) {
    Line(fmt::format("{} {}, {} images", join->client.value,
                     join->returned ? "is back" : "joined", join->samples));
  } else if (const auto* left = std::get_if<ClientLeftEvent>(&event)) {
    Line(fmt::format("{} left: {}", left->client.value, left->reason));
  } else if (const auto* no = std::get_if<UpdateRejectedEvent>(&event)) {
    Line(fmt::format("round {}: update of {} refused: {}: {}", no->round,
                     no->client.value, no->code, no->reason));
  }
}

void ProgressPrinter::TakeRoundEvent(const Event& event) {
  if (const auto* run = std::get_if<RunStartedEvent>(&event)) {
    rounds_ = run->rounds;
    Line(RunLine(*run));
  } else if (const auto* simulation =
                 std::get_if<SimulationStartedEvent>(&event)) {
    Line(fmt::format("simulated: {}, {} thread{}", simulation->population,
                     simulation->threads, simulation->threads == 1 ? "" : "s"));
  } else if (const auto* begun = std::get_if<RoundStartedEvent>(&event)) {
    round_ = begun->round;
    cohort_ = begun->cohort.size();
    received_ = 0;
    began_ = clock_.Now();
    LiveLine();
  } else if (std::holds_alternative<UpdateAcceptedEvent>(event)) {
    ++received_;
    LiveLine();
  } else if (const auto* done = std::get_if<RoundCommittedEvent>(&event)) {
    round_ = 0;
    recent_.push_back(done->seconds.total);
    if (recent_.size() > kEtaRounds) recent_.pop_front();
    Line(RoundLine(*done));
  } else if (const auto* abort = std::get_if<RoundAbortedEvent>(&event)) {
    round_ = 0;
    Line(fmt::format("round {} aborted (attempt {}): {}", abort->round,
                     abort->attempt, abort->reason));
  } else if (const auto* end = std::get_if<RunFinishedEvent>(&event)) {
    round_ = 0;
    Line(fmt::format("run {} after {} round{} and {}: {}",
                     WasInterrupted(end->reason) ? "left off" : "finished",
                     end->rounds, end->rounds == 1 ? "" : "s",
                     HumanDuration(end->seconds), end->reason));
  } else if (const auto* warning = std::get_if<WarningEvent>(&event)) {
    Line(std::string(kWarning) + warning->message);
  } else if (const auto* pause = std::get_if<PauseEvent>(&event)) {
    Line(pause->paused
             ? fmt::format("paused by {}: no further round begins before "
                           "`fedgap admin resume`",
                           pause->by)
             : fmt::format("the run goes on, by order of {}", pause->by));
  }
}

std::string ProgressPrinter::RoundLine(const RoundCommittedEvent& event) {
  const int digits = static_cast<int>(std::to_string(rounds_).size());
  std::string line =
      fmt::format("round {:>{}}/{}  {} client{}  {:.1f} s  loss {:.3f}",
                  event.round, digits, rounds_, event.contributors.size(),
                  event.contributors.size() == 1 ? "" : "s",
                  event.seconds.total, event.training.loss());
  if (event.evaluated) {
    line += Accuracy("accuracy", event.evaluation.fairness);
  } else if (!event.client_held_out.empty()) {
    // Of the model before this round: the clients looked at it as it came.
    line += Accuracy("clients' accuracy", Summarize(event.client_held_out));
  }
  line += fmt::format("  {:.1f} MB up  {:.1f} MB down",
                      MegaBytes(event.bytes_up), MegaBytes(event.bytes_down));
  return line + Eta(event.round);
}

std::string ProgressPrinter::Eta(Round round) const {
  if (recent_.empty() || round >= rounds_) return "";
  const double mean = std::accumulate(recent_.begin(), recent_.end(), 0.0) /
                      static_cast<double>(recent_.size());
  return "  ETA " + HumanDuration(mean * static_cast<double>(rounds_ - round));
}

void ProgressPrinter::Line(const std::string& text) {
  const std::string clean = WithoutControls(text);
  if (live_width_ > 0) {
    writer_.Append(fmt::format("\r{:<{}}\n", clean, live_width_));
    live_width_ = 0;
  } else {
    writer_.Append(clean + "\n");
  }
  LiveLine();
}

void ProgressPrinter::LiveLine() {
  if (!options_.terminal || round_ == 0) return;
  const std::string text = fmt::format(
      "round {}/{}  {} of {} updates  {:.1f} s{}", round_, rounds_, received_,
      cohort_, ToSeconds(clock_.Now() - began_), Eta(round_ - 1));
  writer_.Append(fmt::format("\r{:<{}}", text, live_width_));
  live_width_ = std::max(live_width_, text.size());
}

}  // namespace fedgap
