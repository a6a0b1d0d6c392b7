#include "common/config/run_config_toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/generated_doc.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

StatusOr<RunConfig> Parse(std::string text) {
  return ParseRunConfig({"run.toml", std::move(text), {}, {}});
}

constexpr char kFull[] = R"(
[run]
name = "demo"
seed = 7
rounds = 24
[model]
name = "gap-cnn-s"
width = 8
input_channels = 3
classes = 43
norm_role = "local"
init_from = "start.safetensors"
mean = [0.1, 0.2, 0.3]
stddev = [0.4, 0.5, 0.6]
[resolution]
edges = [16, 24, 29, 34]
[training]
learning_rate = 0.05
epochs = 2
steps = 40
batch_size = 16
momentum = 0.5
weight_decay = 1e-4
nesterov = true
clip_norm = 10.0
proximal_mu = 0.01
gradient_shards = 2
precision = "bfloat16"
schedule = "cosine"
warmup_rounds = 1
min_learning_rate = 0.001
step_rounds = 5
decay = 0.5
[cohort]
size = 6
fraction = 0.5
min_clients = 6
over_selection = 1.3
deadline_seconds = 30
reconnect_seconds = 45
quorum = 0.8
max_size = 100
[aggregation]
weighting = "group"
strategy = "fedadam"
server_learning_rate = 0.01
server_momentum = 0.8
beta1 = 0.8
beta2 = 0.95
tau = 0.01
threads = 2
upload_slots = 4
[validation]
max_abs_delta = 4.0
max_update_norm = 50.0
on_excess = "clip"
max_samples = 1000
max_pixels = 4096
[evaluation]
data = "idx:/data/fashion"
sizes = ["14x14", "24x36"]
every = 2
max_samples = 500
threads = 1
pooled = "mean"
min_class_count = 4
held_out_fraction = 0.2
[stop]
target_accuracy = 0.8
patience = 3
[server]
listen = "0.0.0.0:7000"
)";

TEST(RunConfigTomlTest, AnEmptyFileIsTheDefaults) {
  ASSERT_OK_AND_ASSIGN(const RunConfig config, Parse(""));
  EXPECT_EQ(ToToml(config), ToToml(RunConfig()));
}

TEST(RunConfigTomlTest, ReadsEverySection) {
  ASSERT_OK_AND_ASSIGN(const RunConfig config, Parse(kFull));
  EXPECT_EQ(config.name, "demo");
  EXPECT_EQ(config.seed, 7u);
  EXPECT_EQ(config.model.stddev, (std::vector<double>{0.4, 0.5, 0.6}));
  EXPECT_EQ(config.groups.edges(), (std::vector<int>{16, 24, 29, 34}));
  EXPECT_EQ(config.evaluation.local.groups, config.groups);
  EXPECT_TRUE(config.training.local.nesterov);
  EXPECT_EQ(config.training.schedule.kind, ScheduleKind::kCosine);
  EXPECT_EQ(config.training.schedule.min_rate, 0.001);
  EXPECT_EQ(config.cohort.over_selection, 1.3);
  EXPECT_EQ(config.aggregation.weighting, Weighting::kGroup);
  EXPECT_EQ(config.aggregation.strategy, StrategyKind::kFedAdam);
  EXPECT_EQ(config.validation.on_excess, OnExcess::kClip);
  EXPECT_EQ(config.evaluation.sizes,
            (std::vector<ImageSize>{{14, 14}, {24, 36}}));
  EXPECT_EQ(config.evaluation.local.pooled, PooledMode::kMean);
  EXPECT_EQ(config.stop.patience, 3);
}

// Every key of kFull differs from its default, so that a key which is written
// wrongly, or bound to another's field, shows.
TEST(RunConfigTomlTest, TheWrittenConfigurationReadsBackTheSame) {
  ASSERT_OK_AND_ASSIGN(const RunConfig config, Parse(kFull));
  const std::string text = ToToml(config);
  ASSERT_OK_AND_ASSIGN(const RunConfig again, Parse(text));
  EXPECT_EQ(ToToml(again), text);
  EXPECT_THAT(text, HasSubstr("edges = [16, 24, 29, 34]\n"));
  EXPECT_THAT(text, HasSubstr("sizes = [\"14x14\", \"24x36\"]\n"));
  EXPECT_THAT(text, HasSubstr("weight_decay = 0.0001\n"));
  EXPECT_THAT(text, HasSubstr("tau = 0.01\n"));
}

TEST(RunConfigTomlTest, ImpossibleValuesAreNamed) {
  EXPECT_THAT(Parse("[cohort]\nfraction = 1.5\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    "run.toml:2:12: cohort.fraction = 1.5: must be in (0, "
                    "1]"));
  EXPECT_THAT(Parse("[resolution]\nedges = [24, 16]\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("16 stands after 24")));
  EXPECT_THAT(
      Parse("[evaluation]\nsizes = ['14']\ndata='x'\n[training]\n"
            "batch_size = 0\n"),
      Fails(absl::StatusCode::kInvalidArgument,
            HasSubstr("training.batch_size = 0: must be in [1, 1000000]")));
  EXPECT_THAT(Parse("[run]\nseed = -1\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("run.seed = -1: must be >= 0")));
}

TEST(RunConfigTomlTest, PartsThatDoNotFitAreNamed) {
  EXPECT_THAT(
      Parse("[aggregation]\nstrategy = 'median'\n"),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("upload_slots")));
}

TEST(RunConfigTomlTest, OverridesReachEveryType) {
  ASSERT_OK_AND_ASSIGN(
      const RunConfig config,
      ParseRunConfig({"",
                      "",
                      {{"FEDGAP_TRAINING__EPOCHS", "2"}},
                      {"resolution.edges=16,24", "evaluation.sizes=14x14,28",
                       "evaluation.data=idx:x", "training.schedule=cosine",
                       "aggregation.weighting=pixels"}}));
  EXPECT_EQ(config.training.local.epochs, 2);
  EXPECT_EQ(config.groups.edges(), (std::vector<int>{16, 24}));
  EXPECT_EQ(config.evaluation.sizes,
            (std::vector<ImageSize>{{14, 14}, {28, 28}}));
  EXPECT_EQ(config.aggregation.weighting, Weighting::kPixels);
}

TEST(RunConfigTomlTest, TheReferenceIsUpToDate) {
  ExpectGeneratedPart(SourceDir() / "docs/CONFIG.md", "run keys",
                      ConfigReference());
}

}  // namespace
}  // namespace fedgap
