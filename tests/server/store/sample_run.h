// A small run whose commits differ from round to round.
#ifndef FEDGAP_TESTS_SERVER_STORE_SAMPLE_RUN_H_
#define FEDGAP_TESTS_SERVER_STORE_SAMPLE_RUN_H_

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "common/federation/model_id.h"
#include "common/nn/model.h"
#include "common/nn/model_spec.h"
#include "server/core/run_store.h"

namespace fedgap {

class SampleRun {
 public:
  SampleRun() {
    auto spec = BuiltInModel("gap-cnn-gn", {.classes = 2, .width = 8});
    model_ = Model::Create(std::move(spec).value()).value();
  }

  RunRecord Record() const {
    return {.run = {"demo-0123456789abcdef"},
            .config_toml = "name = \"demo\"\n",
            .model_json = ToJson(model_->spec()),
            .layout_hash = ToHex(LayoutHash(model_->layout())),
            .class_names = {"shirt", "shoe"}};
  }

  Parameters ParametersAfter(Round round) const {
    return model_->InitialParameters(static_cast<std::uint64_t>(round));
  }

  // The commit borrows `parameters`.
  RoundCommit CommitOf(Round round, const Parameters& parameters) const {
    RoundCommit commit;
    commit.round = round;
    commit.model = DigestModel(LayoutHash(model_->layout()), parameters).id;
    commit.parameters = parameters;
    commit.stale_evaluations = static_cast<int>(round);
    commit.best_accuracy_millionths = 1000 * round;
    commit.stop_reason = fmt::format("rule {}", round);
    if (round == 0) return commit;
    const float value = static_cast<float>(round) * 1e-3f;
    commit.optimizer["m"].assign(parameters.size(), -value);
    commit.optimizer["v"].assign(3, 1e-40f);
    commit.prototypes = {.classes = 2,
                         .channels = 2,
                         .means = {value, 2, 0, 0},
                         .held = {true, false}};
    commit.pooled = {{{"a"}, Pooled(0, value)}, {{"b"}, Pooled(1, 2 * value)}};
    commit.ledger = {{{"a"}, {"task-a"}, "aa"}, {{"b"}, {"task-b"}, "bb"}};
    commit.event.round = round;
    commit.event.model = commit.model;
    commit.event.contributors = {{"a"}, {"b"}};
    commit.event.seconds.total = 1.5;
    return commit;
  }

  static PooledStatistics Pooled(int group, float value) {
    return {{{.group = group,
              .count = 20,
              .mean = {value, 1},
              .class_counts = {12, 0},
              .class_means = {value, 3, 0, 0}}}};
  }

  Status Create(RunStore& store) const {
    const Parameters parameters = ParametersAfter(0);
    return store.Create(Record(), CommitOf(0, parameters));
  }
  Status Commit(RunStore& store, Round round, double accuracy = -1) const {
    const Parameters parameters = ParametersAfter(round);
    RoundCommit commit = CommitOf(round, parameters);
    if (accuracy >= 0) {
      commit.event.evaluated = true;
      commit.event.evaluation.fairness.mean = accuracy;
    }
    return store.Commit(commit);
  }

 private:
  std::unique_ptr<const Model> model_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_SERVER_STORE_SAMPLE_RUN_H_
