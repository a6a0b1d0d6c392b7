#include "common/telemetry/event_summary.h"

#include <fmt/format.h>

#include <cmath>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/telemetry/event_fields.h"

namespace fedgap {
namespace {

using event_fields::kType;

constexpr std::pair<std::string_view, EventLevel> kEventLevels[] = {
    {"debug", EventLevel::kDebug},
    {"info", EventLevel::kInfo},
    {"warning", EventLevel::kWarning},
};

std::string Megabytes(std::int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

void Fill(const RunStartedEvent& e, EventSummary& out) {
  out.text = fmt::format("{} {}, {} rounds, seed {}, {} ({} parameters), {}",
                         e.run.value, e.resumed ? "goes on" : "begins",
                         e.rounds, e.seed, e.model, e.parameters, e.software);
  if (e.resumed) {
    out.text += fmt::format(", after round {}", e.last_committed);
  }
}

void Fill(const SimulationStartedEvent& e, EventSummary& out) {
  out.text = fmt::format("{} simulated clients ({}), {} train at a time",
                         e.clients, e.population, e.threads);
}

void Fill(const VirtualRoundEvent& e, EventSummary& out) {
  out.level = EventLevel::kDebug;
  out.round = e.round;
  out.text = fmt::format(
      "{:.1f} virtual seconds, {} of {} selected answered, {} dropped, {} late",
      e.seconds, e.contributors, e.selected, e.dropped, e.late);
}

void Fill(const ClientJoinedEvent& e, EventSummary& out) {
  out.client = e.client.value;
  out.text = fmt::format(
      "{}, {} samples, sides of {:.0f} to {:.0f} px, {}, from {}",
      e.returned ? "back" : "joined", e.samples,
      std::sqrt(static_cast<double>(e.min_pixels)),
      std::sqrt(static_cast<double>(e.max_pixels)), e.software, e.peer);
}

void Fill(const ClientLeftEvent& e, EventSummary& out) {
  if (e.reason != "left") out.level = EventLevel::kWarning;
  out.client = e.client.value;
  out.text = e.reason;
}

void Fill(const RoundStartedEvent& e, EventSummary& out) {
  out.level = EventLevel::kDebug;
  out.round = e.round;
  out.text = fmt::format("{} clients asked, attempt {}, learning rate {:.4g}",
                         e.cohort.size(), e.attempt, e.learning_rate);
}

void Fill(const UpdateAcceptedEvent& e, EventSummary& out) {
  out.level = EventLevel::kDebug;
  out.round = e.round;
  out.client = e.client.value;
  out.text = fmt::format(
      "norm {:.3g}, cosine {:.2f}, trained {:.1f} s, in after {:.1f} s, {}{}",
      e.norm, e.cosine, e.train_seconds, e.arrived_seconds, Megabytes(e.bytes),
      e.clipped ? ", clipped" : "");
}

void Fill(const UpdateRejectedEvent& e, EventSummary& out) {
  out.level = EventLevel::kWarning;
  out.round = e.round;
  out.client = e.client.value;
  out.text = fmt::format("{}: {}", e.code, e.reason);
}

void Fill(const RoundCommittedEvent& e, EventSummary& out) {
  out.round = e.round;
  out.text =
      fmt::format("{} clients, {:.1f} s, loss {:.3f}", e.contributors.size(),
                  e.seconds.total, e.training.loss());
  if (e.evaluated) {
    const FairnessSummary& fairness = e.evaluation.fairness;
    out.text += fmt::format(", accuracy {:.1f} % (worst {:.1f}, gap {:.1f})",
                            100 * fairness.mean, 100 * fairness.worst,
                            100 * fairness.gap);
  }
  out.text += fmt::format(", {} up, {} down", Megabytes(e.bytes_up),
                          Megabytes(e.bytes_down));
  if (e.ending != "complete") out.text += ", closed by " + e.ending;
}

void Fill(const RoundAbortedEvent& e, EventSummary& out) {
  out.level = EventLevel::kWarning;
  out.round = e.round;
  out.text = fmt::format("attempt {}: {}", e.attempt, e.reason);
}

void Fill(const FinalEvaluationEvent& e, EventSummary& out) {
  const FairnessSummary fairness = Summarize(e.client_held_out);
  out.text = fmt::format(
      "the final model at {} clients: accuracy {:.1f} % (worst {:.1f}, gap "
      "{:.1f})",
      e.clients, 100 * fairness.mean, 100 * fairness.worst, 100 * fairness.gap);
}

void Fill(const RunFinishedEvent& e, EventSummary& out) {
  out.text = fmt::format("{} after {} rounds, {:.1f} s", e.reason, e.rounds,
                         e.seconds);
}

void Fill(const WarningEvent& e, EventSummary& out) {
  out.level = EventLevel::kWarning;
  out.text = e.message;
}

void Fill(const PauseEvent& e, EventSummary& out) {
  out.text = e.paused ? fmt::format("by {}: no further round begins", e.by)
                      : fmt::format("ended by {}", e.by);
}

// Calls `take` with each type's name.
template <std::size_t kIndex = 0, typename Take>
void ForEachType(const Take& take) {
  if constexpr (kIndex < std::variant_size_v<Event>) {
    take(std::string_view(kType<std::variant_alternative_t<kIndex, Event>>));
    ForEachType<kIndex + 1>(take);
  }
}

}  // namespace

std::string_view ToString(EventLevel level) {
  for (const auto& [name, value] : kEventLevels) {
    if (value == level) return name;
  }
  return "";
}

StatusOr<EventLevel> EventLevelFromString(std::string_view text) {
  for (const auto& [name, level] : kEventLevels) {
    if (name == text) return level;
  }
  return absl::InvalidArgumentError(
      fmt::format("no level \"{}\": use debug, info or warning", text));
}

EventSummary Summarize(const Event& event) {
  EventSummary summary;
  std::visit(
      [&summary](const auto& e) {
        summary.type = kType<std::remove_cvref_t<decltype(e)>>;
        Fill(e, summary);
      },
      event);
  return summary;
}

std::string EventTypes() {
  std::string types;
  ForEachType([&types](std::string_view type) {
    types += fmt::format("{}{}", types.empty() ? "" : ", ", type);
  });
  return types;
}

bool IsEventType(std::string_view type) {
  bool found = false;
  ForEachType([&](std::string_view known) { found = found || known == type; });
  return found;
}

}  // namespace fedgap
