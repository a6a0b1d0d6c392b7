// Whatever a run may be configured with, its clients can read.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/config/run_config_toml.h"
#include "common/federation/model_choice.h"
#include "common/wire/join_wire.h"
#include "common/wire/task_wire.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

struct Extremes {
  const char* key;
  std::string least;
  std::string most;
  std::string too_much;
};

std::vector<Extremes> AllExtremes() {
  const auto text = [](std::size_t length) {
    return fmt::format("'{}'", std::string(length, 'x'));
  };
  return {
      {"run.name", "'a'", text(64), text(65)},
      {"run.name", "'9'", "'Mixed.sizes_2-b'", "'my run'"},
      {"run.name", "'9'", "'a..'", "'../a'"},
      {"run.rounds", "1", "1000000000", "1000000001"},
      {"model.classes", "2", "65536", "65537"},
      {"model.mean", "[-1e6]", "[1e6]", "[1.1e6]"},
      {"model.stddev", "[1e-12]", "[1e6]", "[1.1e6]"},
      {"training.learning_rate", "1e-300", "1e6", "1.1e6"},
      {"training.epochs", "1", "1000000", "1000001"},
      {"training.steps", "0", "1000000000", "1000000001"},
      {"training.batch_size", "1", "1000000", "1000001"},
      {"training.momentum", "0", "0.99999994", "0.9999999999"},
      {"training.weight_decay", "0", "1e6", "1.1e6"},
      {"training.clip_norm", "0", "1e30", "1.1e30"},
      {"training.proximal_mu", "0", "1e6", "1.1e6"},
      {"training.gradient_shards", "1", "64", "65"},
      {"evaluation.min_class_count", "1", "1000000", "1000001"},
      {"evaluation.held_out_fraction", "0", "0.5", "0.6"},
      {"cohort.deadline_seconds", "0", "31536000", "31536001"},
  };
}

StatusOr<RunConfig> Configure(const std::string& key,
                              const std::string& value) {
  // Lists of channels come in pairs.
  const std::string other = key == "model.mean"     ? "model.stddev = [1]\n"
                            : key == "model.stddev" ? "model.mean = [0]\n"
                                                    : "";
  ConfigSources sources;
  sources.file_name = "run.toml";
  sources.file_text = fmt::format("{}{} = {}\n", other, key, value);
  return ParseRunConfig(sources);
}

void ExpectReadable(const RunConfig& config) {
  Task task;
  task.id = {fmt::format("{}-0123456789abcdef/{}/train/{}", config.name,
                         config.rounds, std::string(64, 'c'))};
  task.round = config.rounds;
  task.time_left = std::chrono::milliseconds(
      static_cast<std::int64_t>(config.cohort.deadline_seconds * 1000));
  task.work =
      TrainTask{config.seed, config.training.local, config.evaluation.local};
  ASSERT_OK_AND_ASSIGN(const Task back, FromProto(ToProto(task)));
  EXPECT_EQ(back, task);

  JoinReply reply;
  reply.run = {fmt::format("{}-0123456789abcdef", config.name)};
  ASSERT_OK_AND_ASSIGN(reply.model, ChooseModel(config.model));
  EXPECT_OK(FromProto(ToProto(reply)));
}

TEST(ConfigOnTheWireTest, EveryExtremeCanBeReadByClients) {
  for (const Extremes& extremes : AllExtremes()) {
    for (const std::string& value : {extremes.least, extremes.most}) {
      SCOPED_TRACE(fmt::format("{} = {}", extremes.key, value));
      const auto config = Configure(extremes.key, value);
      ASSERT_OK(config);
      ExpectReadable(*config);
    }
  }
}

TEST(ConfigOnTheWireTest, BeyondThemTheServerDoesNotStart) {
  for (const Extremes& extremes : AllExtremes()) {
    EXPECT_THAT(Configure(extremes.key, extremes.too_much),
                Fails(absl::StatusCode::kInvalidArgument,
                      testing::HasSubstr(extremes.key)))
        << extremes.too_much;
  }
}

}  // namespace
}  // namespace fedgap
