#include "common/config/run_config_toml.h"

#include <utility>

#include "common/federation/bounds.h"

namespace fedgap {
namespace {

using Range = ConfigRange;

Status MustBe(const char* what) {
  return absl::InvalidArgumentError(std::string("must be ") + what);
}

void BindRun(RunConfig& config, ConfigSchema& schema) {
  schema.Section("run", "The run as a whole.")
      .Text("name", &config.name,
            "begins the run's id and directory; 1 to 64 characters of a-z A-Z "
            "0-9 . _ -")
      .Integer("seed", &config.seed, Range::AtLeast(0),
               "every random choice of the run follows from it")
      .Integer("rounds", &config.rounds, Range::Between(1, kMaxRound),
               "rounds of the whole run")
      .Integer("keep_models", &config.keep_models, Range::AtLeast(0),
               "models and pooled vectors of so many last rounds (at least 4) "
               "stay on the disk, and the best round's model; 0: of all "
               "rounds");
}

void BindModel(ModelConfig& model, ConfigSchema& schema) {
  schema.Section("model", "What is trained.")
      .Text("name", &model.name,
            "a built-in model: gap-cnn-s, gap-cnn-gn, gap-cnn-m, gap-resnet8")
      .Text("file", &model.file, "a model description in JSON, instead of name")
      .Integer(
          "width", &model.width, Range::Between(0, 4096),
          "channels of the first convolution, the others scale; 0: its own")
      .Integer("input_channels", &model.input_channels, Range::Between(1, 1024),
               "1: grey, 3: colour")
      .Integer("classes", &model.classes, Range::Between(2, kMaxClasses),
               "labels")
      .Texts("class_names", &model.class_names,
             "in the order of the labels, so that clients whose folders lack "
             "some number theirs alike; empty: those of evaluation.data")
      .Choice("norm_role", &model.norm_role, {"shared", "local"},
              "local: normalisation stays on the client (FedBN)")
      .Text("init_from", &model.init_from,
            "start from this safetensors file instead of the seed")
      .Numbers("mean", &model.mean,
               Range::Between(-kMaxPixelMean, kMaxPixelMean),
               "of each channel, pixels being in [0, 1]; empty: 0.5")
      .Numbers("stddev", &model.stddev,
               Range::Between(kMinPixelStddev, kMaxPixelStddev),
               "of each channel; empty: 0.5");
}

// The groups stand in two places, for the server and for the tasks.
ConfigKey EdgesKey(RunConfig& config) {
  ConfigKey key;
  key.name = "edges";
  key.kind = ConfigKind::kInteger;
  key.list = true;
  key.range = "ascending, > 0";
  key.help =
      "pixels of sqrt(height x width) at which a new resolution group begins; "
      "empty: one group";
  key.set = [&config](const ConfigValue& value) -> Status {
    const auto* list = std::get_if<ConfigList>(&value.data);
    if (list == nullptr) return MustBe("a [list] of integers");
    std::vector<int> edges;
    for (const ConfigValue& item : *list) {
      const auto* edge = std::get_if<std::int64_t>(&item.data);
      if (edge == nullptr || !std::in_range<int>(*edge)) {
        return MustBe("a [list] of integers");
      }
      edges.push_back(static_cast<int>(*edge));
    }
    FEDGAP_ASSIGN_OR_RETURN(config.groups,
                            ResolutionGroups::Create(std::move(edges)));
    config.evaluation.local.groups = config.groups;
    return absl::OkStatus();
  };
  key.get = [&config] {
    ConfigList list;
    for (const int edge : config.groups.edges()) {
      list.push_back({std::int64_t{edge}});
    }
    return ConfigValue{std::move(list)};
  };
  return key;
}

void BindTraining(TrainingConfig& training, ConfigSchema& schema) {
  LocalTraining& local = training.local;
  LearningRateSchedule& schedule = training.schedule;
  schema.Section("training", "What a client does in a round.")
      .Number("learning_rate", &local.learning_rate,
              Range::AboveUpTo(0, kMaxLearningRate),
              "of SGD; the schedule starts from it")
      .Integer("epochs", &local.epochs, Range::Between(1, kMaxEpochs),
               "passes over the local data a round")
      .Integer("steps", &local.steps, Range::Between(0, kMaxSteps),
               "> 0: exactly so many optimiser steps instead of epochs")
      .Integer("batch_size", &local.batch_size,
               Range::Between(1, kMaxBatchSize), "images")
      .Number("momentum", &local.momentum, Range::Below(0, 1),
              "fresh in every round")
      .Number("weight_decay", &local.weight_decay,
              Range::Between(0, kMaxWeightDecay),
              "added to the gradient, times the weight")
      .Switch("nesterov", &local.nesterov, "Nesterov's momentum")
      .Number("clip_norm", &local.clip_norm, Range::Between(0, kMaxClipNorm),
              "> 0: longer gradients are scaled to this norm")
      .Number("proximal_mu", &local.proximal_mu,
              Range::Between(0, kMaxProximalMu),
              "> 0: FedProx's pull towards the received model")
      .Integer("gradient_shards", &local.gradient_shards,
               Range::Between(1, kMaxGradientShards),
               "parts in which a batch is summed: the most threads that one "
               "client can use; part of the result's bits")
      .Choice("precision", &local.precision,
              {Precision::kFloat32, Precision::kBfloat16},
              "bfloat16: mixed precision, products of bfloat16 summed in "
              "float32; faster with AVX512_BF16, elsewhere the same bits")
      .Choice("schedule", &schedule.kind,
              {ScheduleKind::kConstant, ScheduleKind::kCosine,
               ScheduleKind::kStep, ScheduleKind::kExponential},
              "how the learning rate moves over the rounds")
      .Integer("warmup_rounds", &schedule.warmup_rounds, Range::AtLeast(0),
               "rounds in which the learning rate rises evenly first")
      .Number("min_learning_rate", &schedule.min_rate,
              Range::Between(0, kMaxLearningRate),
              "below which no schedule falls")
      .Integer("step_rounds", &schedule.step_rounds, Range::AtLeast(1),
               "rounds between two steps of schedule step")
      .Number("decay", &schedule.decay, Range::AboveUpTo(0, 1),
              "factor of schedules step and exponential");
}

void BindCohort(CohortConfig& cohort, ConfigSchema& schema) {
  schema.Section("cohort", "Who takes part in a round, and how long it waits.")
      .Integer("size", &cohort.size, Range::AtLeast(0),
               "clients a round; 0: fraction of those connected")
      .Number("fraction", &cohort.fraction, Range::AboveUpTo(0, 1),
              "of the connected clients, where size is 0")
      .Integer("min_clients", &cohort.min_clients, Range::AtLeast(1),
               "the run waits until so many are connected")
      .Number("over_selection", &cohort.over_selection, Range::Between(1, 3),
              "so many times the cohort is asked; the first to answer count")
      .Number("deadline_seconds", &cohort.deadline_seconds,
              Range::Between(0, kMaxDeadlineSeconds),
              "after which a round closes with what has arrived; 0: never")
      .Number("reconnect_seconds", &cohort.reconnect_seconds,
              Range::Between(0, kMaxDeadlineSeconds),
              "so long a member whose connection is lost may take to come "
              "back, before the round goes on without it; 0: until the "
              "deadline")
      .Number("wait_seconds", &cohort.wait_seconds,
              Range::Between(0, kMaxDeadlineSeconds),
              "so long the run waits for min_clients; then it is left off, and "
              "can be resumed; 0: for ever")
      .Number("quorum", &cohort.quorum, Range::AboveUpTo(0, 1),
              "share of the cohort that a round needs at its deadline")
      .Integer("max_size", &cohort.max_size, Range::Between(1, 1000000),
               "the largest cohort that the accumulator must hold");
}

void BindAggregation(AggregationConfig& aggregation, ConfigSchema& schema) {
  schema.Section("aggregation", "How the updates become the next model.")
      .Choice("weighting", &aggregation.weighting,
              {Weighting::kClient, Weighting::kGroup, Weighting::kSamples,
               Weighting::kPixels},
              "what counts the same: each client, each resolution group, each "
              "sample or (the control) each pixel")
      .Choice("strategy", &aggregation.strategy,
              {StrategyKind::kFedAvg, StrategyKind::kFedAvgM,
               StrategyKind::kFedAdam, StrategyKind::kMedian},
              "median takes no weights")
      .Number("server_learning_rate", &aggregation.server_learning_rate,
              Range::Above(0), "times the combined update")
      .Number("server_momentum", &aggregation.server_momentum,
              Range::Below(0, 1), "of fedavgm")
      .Number("beta1", &aggregation.beta1, Range::Below(0, 1), "of fedadam")
      .Number("beta2", &aggregation.beta2, Range::Below(0, 1), "of fedadam")
      .Number("tau", &aggregation.tau, Range::Above(0),
              "of fedadam: the smaller, the more adaptive")
      .Integer("threads", &aggregation.threads, Range::Between(0, 1024),
               "of the server's sums, 0: all cores; no bit depends on it")
      .Integer("upload_slots", &aggregation.upload_slots,
               Range::Between(1, 65536), "updates that are staged at a time");
}

void BindValidation(ValidationConfig& validation, ConfigSchema& schema) {
  schema.Section("validation", "What an update may hold.")
      .Number("max_abs_delta", &validation.max_abs_delta,
              Range::AboveUpTo(0, 1e9), "largest change of one parameter")
      .Number("max_update_norm", &validation.max_update_norm, Range::AtLeast(0),
              "largest Euclidean norm of an update; 0: not checked")
      .Choice("on_excess", &validation.on_excess,
              {OnExcess::kReject, OnExcess::kClip},
              "an update beyond either bound is refused, or scaled to it")
      .Integer("max_samples", &validation.max_samples, Range::Between(1, 1e12),
               "that one client may claim")
      .Integer("max_pixels", &validation.max_pixels, Range::Between(1, 1e12),
               "of a client's average image");
}

ConfigKey SizesKey(EvaluationConfig& evaluation) {
  ConfigKey key;
  key.name = "sizes";
  key.list = true;
  key.range = "height x width";
  key.help =
      "at which the server's data is evaluated (\"28x28\"); empty: each image "
      "at its own";
  key.set = [&evaluation](const ConfigValue& value) -> Status {
    const auto* list = std::get_if<ConfigList>(&value.data);
    if (list == nullptr) return MustBe("a [list] of sizes such as \"28x28\"");
    std::vector<ImageSize> sizes;
    for (const ConfigValue& item : *list) {
      const auto* text = std::get_if<std::string>(&item.data);
      if (text == nullptr) return MustBe("a [list] of sizes such as \"28x28\"");
      FEDGAP_ASSIGN_OR_RETURN(const ImageSize size, ParseImageSize(*text));
      sizes.push_back(size);
    }
    evaluation.sizes = std::move(sizes);
    return absl::OkStatus();
  };
  key.get = [&evaluation] {
    ConfigList list;
    for (const ImageSize size : evaluation.sizes) {
      list.push_back({size.ToString()});
    }
    return ConfigValue{std::move(list)};
  };
  return key;
}

void BindEvaluation(EvaluationConfig& evaluation, ConfigSchema& schema) {
  LocalEvaluation& local = evaluation.local;
  schema.Section("evaluation", "How good the model is, and for whom.")
      .Text("data", &evaluation.data,
            "the server's held-out data, as --data takes it; empty: the "
            "clients' held-out parts only")
      .Add(SizesKey(evaluation))
      .Integer("every", &evaluation.every, Range::AtLeast(1),
               "rounds; the last is always evaluated")
      .Integer("max_samples", &evaluation.max_samples, Range::AtLeast(0),
               "> 0: so many samples, chosen by the seed")
      .Integer("threads", &evaluation.threads, Range::Between(0, 1024),
               "0: all cores")
      .Choice(
          "pooled", &local.pooled,
          {PooledMode::kClasses, PooledMode::kMean, PooledMode::kOff},
          "pooled vectors that clients send: their mean and each class's, "
          "the mean, or none; off: nor do they look at the received model on "
          "what they train on, which is up to a quarter of a round")
      .Integer("min_class_count", &local.min_class_count,
               Range::Between(1, kMaxMinClassCount),
               "a class with fewer samples on a client is withheld")
      .Number("held_out_fraction", &local.held_out_fraction,
              Range::Between(0, kMaxHeldOutFraction),
              "of a client's data that is never trained on");
}

void BindStop(StopConfig& stop, ConfigSchema& schema) {
  schema.Section("stop", "When the run may end before its last round.")
      .Number("target_accuracy", &stop.target_accuracy, Range::Between(0, 1),
              "mean over resolution groups at which it ends; 0: none")
      .Integer("patience", &stop.patience, Range::AtLeast(0),
               "evaluations without a better mean after which it ends; 0: "
               "none");
}

}  // namespace

void BindRunConfig(RunConfig& config, ConfigSchema& schema) {
  BindRun(config, schema);
  BindModel(config.model, schema);
  schema
      .Section("resolution",
               "The groups in which image sizes are counted and reported.")
      .Add(EdgesKey(config));
  BindTraining(config.training, schema);
  BindCohort(config.cohort, schema);
  BindAggregation(config.aggregation, schema);
  BindValidation(config.validation, schema);
  BindEvaluation(config.evaluation, schema);
  BindStop(config.stop, schema);
  for (const char* section : {"server", "client", "simulation", "sweep"}) {
    schema.IgnoreSection(section);
  }
}

StatusOr<RunConfig> ParseRunConfig(const ConfigSources& sources) {
  RunConfig config;
  ConfigSchema schema;
  BindRunConfig(config, schema);
  FEDGAP_RETURN_IF_ERROR(schema.Load(sources));
  FEDGAP_RETURN_IF_ERROR(Validate(config));
  return config;
}

std::string ToToml(const RunConfig& config) {
  RunConfig copy = config;
  ConfigSchema schema;
  BindRunConfig(copy, schema);
  return schema.ToToml();
}

RunConfig WithDefaultThreads(RunConfig config) {
  config.aggregation.threads = AggregationConfig().threads;
  config.evaluation.threads = EvaluationConfig().threads;
  return config;
}

StatusOr<std::string> ComparableToml(const std::string& toml) {
  ConfigSources sources;
  sources.file_text = toml;
  FEDGAP_ASSIGN_OR_RETURN(const RunConfig config, ParseRunConfig(sources));
  return ToToml(WithDefaultThreads(config));
}

std::string ConfigReference() {
  RunConfig defaults;
  ConfigSchema schema;
  BindRunConfig(defaults, schema);
  return schema.Reference();
}

}  // namespace fedgap
