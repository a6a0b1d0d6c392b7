// The JSON names of every event's fields, said once for writing and reading.
// Private to common/telemetry; docs/EVENTS.md explains the fields.
//
// A visitor V is called as
//   v("name", field)         a field
//   v.Inline(field)          the fields of a nested struct, without a level
//   v.Derived("name", value) for human readers; not read back
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_FIELDS_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_FIELDS_H_

#include <concepts>
#include <type_traits>

#include "common/telemetry/events.h"

namespace fedgap::event_fields {

// T, const for a writer and mutable for a reader.
template <typename E, typename T>
concept Maybe = std::same_as<std::remove_const_t<E>, T>;

// --- Parts of events ------------------------------------------------------

template <typename V, Maybe<BatchMetrics> E>
void Visit(V& v, E& e) {
  v("samples", e.count);
  v("correct", e.correct);
  v("loss_fixed", e.loss_fixed);
  v.Derived("accuracy", e.accuracy());
  v.Derived("loss", e.loss());
}

template <typename V, Maybe<GroupMetrics> E>
void Visit(V& v, E& e) {
  v("group", e.group);
  v.Inline(e.sums);
}

template <typename V, Maybe<GroupCounts> E>
void Visit(V& v, E& e) {
  v("group", e.group);
  v("samples", e.samples);
  v("pixels", e.pixels);
}

template <typename V, Maybe<GroupInfluence> E>
void Visit(V& v, E& e) {
  v("group", e.group);
  v("influence", e.influence);
  v("pixel_influence", e.pixel_influence);
  v("clients", e.clients);
  v("samples", e.samples);
  v("pixels", e.pixels);
}

template <typename V, Maybe<ClientInfluence> E>
void Visit(V& v, E& e) {
  v("client", e.client);
  v("influence", e.influence);
}

template <typename V, Maybe<PhaseSeconds> E>
void Visit(V& v, E& e) {
  v("select", e.select);
  v("collect", e.collect);
  v("aggregate", e.aggregate);
  v("evaluate", e.evaluate);
  v("commit", e.commit);
  v("total", e.total);
}

template <typename V, Maybe<FairnessSummary> E>
void Visit(V& v, E& e) {
  v("mean", e.mean);
  v("worst", e.worst);
  v("gap", e.gap);
  v("stddev", e.stddev);
  v("jain", e.jain);
}

template <typename V, Maybe<ServerEvaluation::Size> E>
void Visit(V& v, E& e) {
  v("size", e.size);
  v("group", e.group);
  v.Inline(e.sums);
  v("prototype_correct", e.prototype_correct);
  v("confusion", e.confusion);
}

template <typename V, Maybe<ServerEvaluation> E>
void Visit(V& v, E& e) {
  v("fairness", e.fairness);
  v("groups", e.groups);
  v("prototype_groups", e.prototype_groups);
  v("sizes", e.sizes);
}

// --- Events ---------------------------------------------------------------

template <typename V, Maybe<RunStartedEvent> E>
void Visit(V& v, E& e) {
  v("run", e.run);
  v("name", e.name);
  v("seed", e.seed);
  v("rounds", e.rounds);
  v("model", e.model);
  v("parameters", e.parameters);
  v("layout_hash", e.layout_hash);
  v("initial_model", e.initial_model);
  v("group_labels", e.group_labels);
  v("class_names", e.class_names);
  v("config_toml", e.config_toml);
  v("software", e.software);
  v("resumed", e.resumed);
  v("last_committed", e.last_committed);
}

template <typename V, Maybe<SimulationStartedEvent> E>
void Visit(V& v, E& e) {
  v("clients", e.clients);
  v("population", e.population);
  v("threads", e.threads);
}

template <typename V, Maybe<VirtualRoundEvent> E>
void Visit(V& v, E& e) {
  v("round", e.round);
  v("seconds", e.seconds);
  v("selected", e.selected);
  v("contributors", e.contributors);
  v("unavailable", e.unavailable);
  v("dropped", e.dropped);
  v("late", e.late);
}

template <typename V, Maybe<ClientJoinedEvent> E>
void Visit(V& v, E& e) {
  v("client", e.client);
  v("software", e.software);
  v("peer", e.peer);
  v("samples", e.samples);
  v("min_pixels", e.min_pixels);
  v("max_pixels", e.max_pixels);
  v("returned", e.returned);
}

template <typename V, Maybe<ClientLeftEvent> E>
void Visit(V& v, E& e) {
  v("client", e.client);
  v("reason", e.reason);
}

// `attempt` of a round's own events is the line's.
template <typename V, Maybe<RoundStartedEvent> E>
void Visit(V& v, E& e) {
  v("round", e.round);
  v("base", e.base);
  v("cohort", e.cohort);
  v("learning_rate", e.learning_rate);
  v("eligible", e.eligible);
  v("roster", e.roster);
}

template <typename V, Maybe<UpdateAcceptedEvent> E>
void Visit(V& v, E& e) {
  v("round", e.round);
  v("client", e.client);
  v("counts", e.counts);
  v("local_steps", e.local_steps);
  v("train_seconds", e.train_seconds);
  v("arrived_seconds", e.arrived_seconds);
  v("bytes", e.bytes);
  v("norm", e.norm);
  v("max_abs", e.max_abs);
  v("cosine", e.cosine);
  v("clipped", e.clipped);
  v("training", e.training);
  v("train_metrics", e.train_metrics);
  v("held_out_metrics", e.held_out_metrics);
}

template <typename V, Maybe<UpdateRejectedEvent> E>
void Visit(V& v, E& e) {
  v("round", e.round);
  v("client", e.client);
  v("code", e.code);
  v("reason", e.reason);
}

template <typename V, Maybe<RoundCommittedEvent> E>
void Visit(V& v, E& e) {
  v("round", e.round);
  v("model", e.model);
  v("contributors", e.contributors);
  v("ending", e.ending);
  v("delta_norm", e.delta_norm);
  v("cosine_to_previous", e.cosine_to_previous);
  v("training", e.training);
  v("group_influence", e.group_influence);
  v("client_influence", e.client_influence);
  v("client_held_out", e.client_held_out);
  v("evaluated", e.evaluated);
  v("evaluation", e.evaluation);
  v("seconds", e.seconds);
  v("bytes_up", e.bytes_up);
  v("bytes_down", e.bytes_down);
}

template <typename V, Maybe<RoundAbortedEvent> E>
void Visit(V& v, E& e) {
  v("round", e.round);
  v("reason", e.reason);
}

template <typename V, Maybe<FinalEvaluationEvent> E>
void Visit(V& v, E& e) {
  v("model", e.model);
  v("client_held_out", e.client_held_out);
  v("clients", e.clients);
}

template <typename V, Maybe<RunFinishedEvent> E>
void Visit(V& v, E& e) {
  v("reason", e.reason);
  v("model", e.model);
  v("rounds", e.rounds);
  v("seconds", e.seconds);
}

template <typename V, Maybe<WarningEvent> E>
void Visit(V& v, E& e) {
  v("message", e.message);
}

template <typename V, Maybe<PauseEvent> E>
void Visit(V& v, E& e) {
  v("paused", e.paused);
  v("by", e.by);
}

// --- The value of "type" --------------------------------------------------

template <typename E>
inline constexpr const char* kType = nullptr;
template <>
inline constexpr const char* kType<RunStartedEvent> = "run_started";
template <>
inline constexpr const char* kType<SimulationStartedEvent> =
    "simulation_started";
template <>
inline constexpr const char* kType<VirtualRoundEvent> = "virtual_round";
template <>
inline constexpr const char* kType<ClientJoinedEvent> = "client_joined";
template <>
inline constexpr const char* kType<ClientLeftEvent> = "client_left";
template <>
inline constexpr const char* kType<RoundStartedEvent> = "round_started";
template <>
inline constexpr const char* kType<UpdateAcceptedEvent> = "update_accepted";
template <>
inline constexpr const char* kType<UpdateRejectedEvent> = "update_rejected";
template <>
inline constexpr const char* kType<RoundCommittedEvent> = "round_committed";
template <>
inline constexpr const char* kType<RoundAbortedEvent> = "round_aborted";
template <>
inline constexpr const char* kType<FinalEvaluationEvent> = "final_evaluation";
template <>
inline constexpr const char* kType<RunFinishedEvent> = "run_finished";
template <>
inline constexpr const char* kType<WarningEvent> = "warning";
template <>
inline constexpr const char* kType<PauseEvent> = "pause";

}  // namespace fedgap::event_fields

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_FIELDS_H_
