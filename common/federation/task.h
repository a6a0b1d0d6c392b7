// What the server asks of a client.
#ifndef FEDGAP_COMMON_FEDERATION_TASK_H_
#define FEDGAP_COMMON_FEDERATION_TASK_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "common/federation/ids.h"
#include "common/federation/pooled_statistics.h"
#include "common/federation/resolution_groups.h"
#include "common/nn/precision.h"

namespace fedgap {

// Every hyper-parameter of local training. What affects bits comes from here
// or from the ModelSpec, never from a client's flags.
struct LocalTraining {
  int epochs = 1;
  // > 0: exactly this many optimiser steps instead of `epochs`.
  int steps = 0;
  int batch_size = 32;
  double learning_rate = 0.1;  // of this round, the schedule applied
  double momentum = 0.9;
  double weight_decay = 0;
  bool nesterov = false;
  double clip_norm = 0;     // > 0: gradients longer than this are scaled
  double proximal_mu = 0;   // > 0: FedProx, gradient += mu (w - w_global)
  int gradient_shards = 4;  // see GradientEngine
  Precision precision = Precision::kFloat32;

  bool operator==(const LocalTraining&) const = default;
};

// How local data is split and looked at.
struct LocalEvaluation {
  ResolutionGroups groups;
  PooledMode pooled = PooledMode::kClasses;
  int min_class_count = 8;
  // The part of the local data that is never trained on, in [0, 0.5].
  double held_out_fraction = 0.1;

  bool operator==(const LocalEvaluation&) const = default;
};

// Train from the model `base` and send back the difference.
struct TrainTask {
  std::uint64_t run_seed = 0;
  LocalTraining training;
  LocalEvaluation evaluation;
  bool operator==(const TrainTask&) const = default;
};

// Evaluate the model `base` on the held-out part and send metrics back.
struct EvaluateTask {
  std::uint64_t run_seed = 0;
  LocalEvaluation evaluation;
  bool operator==(const EvaluateTask&) const = default;
};

// The round is committed: provisional local state becomes the state.
struct CommittedNotice {
  ModelId model;
  // Whether this client's update is part of it; if not, its provisional local
  // state is dropped.
  bool contributed = false;
  bool operator==(const CommittedNotice&) const = default;
};

// The round is void: it will be run again. Provisional local state is dropped.
struct AbortedNotice {
  std::string reason;
  bool operator==(const AbortedNotice&) const = default;
};

// The run is over.
struct FinishedNotice {
  ModelId model;
  std::string reason;
  bool operator==(const FinishedNotice&) const = default;
};

// A kind of task that came after this release: all that can be done is to say
// so (FederationApi::Decline).
struct UnknownWork {
  bool operator==(const UnknownWork&) const = default;
};

// A pushed message. `id` is the idempotency key of train and evaluate tasks
// and orders the others.
struct Task {
  TaskId id;
  Round round = 0;
  // The model that the task starts from (train, evaluate).
  ModelId base;
  // What is left until the server stops waiting; zero: no deadline.
  std::chrono::milliseconds time_left{0};
  std::variant<TrainTask, EvaluateTask, CommittedNotice, AbortedNotice,
               FinishedNotice, UnknownWork>
      work;

  bool operator==(const Task&) const = default;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_TASK_H_
