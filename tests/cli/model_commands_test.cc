// Runs the real `fedgap inspect`, `evaluate` and `predict`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "common/federation/model_file.h"
#include "server/store/sqlite_run_store.h"
#include "tests/server/store/sample_run.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ModelCommandsTest : public ::testing::Test {
 protected:
  // A model of the synthetic data's four classes, as it is initialised.
  ModelCommandsTest() {
    auto spec = BuiltInModel("gap-cnn-gn", {.classes = 4, .width = 8});
    const auto model = Model::Create(std::move(spec).value()).value();
    const Parameters parameters = model->InitialParameters(1);
    const ModelOrigin origin{
        .id = DigestModel(LayoutHash(model->layout()), parameters).id,
        .run = {"demo-01"},
        .round = 3,
        .class_names = {}};
    EXPECT_OK(WriteFileAtomic(model_file_,
                              EncodeModelFile(*model, parameters, origin)));
  }
  static ProgramResult Fedgap(std::vector<std::string> words) {
    words.insert(words.begin(), FEDGAP_TOOL);
    return RunProgram(std::move(words));
  }
  fs::path MakeRun() {
    const fs::path root = dir_ / "run";
    const auto store = SqliteRunStore::Open(root).value();
    const SampleRun run;
    EXPECT_OK(run.Create(*store));
    EXPECT_OK(run.Commit(*store, 1, 0.5));
    return root;
  }
  // 8 x 10 grey pixels.
  fs::path MakeImage() {
    const fs::path path = dir_ / "image.pgm";
    std::ofstream(path) << "P5 10 8 255\n" << std::string(80, '\x40');
    return path;
  }

  TempDir dir_;
  const fs::path model_file_ = dir_ / "model.safetensors";
};

TEST_F(ModelCommandsTest, InspectShowsAModel) {
  const ProgramResult result = Fedgap({"inspect", model_file_.string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("gap-cnn-gn"), HasSubstr("demo-01  round 3"),
            ContainsRegex("model_sha256 [0-9a-f]{64}"), HasSubstr("elements")));
}

TEST_F(ModelCommandsTest, InspectShowsARun) {
  const ProgramResult result =
      Fedgap({"inspect", MakeRun().string(), "--config"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("demo-0123456789abcdef"), HasSubstr("50.0 %"),
            HasSubstr("5 files, all whole"), HasSubstr("name = \"demo\"")));
}

TEST_F(ModelCommandsTest, InspectNamesDamage) {
  const fs::path run = MakeRun();
  fs::resize_file(run / "models" / "round-000001.safetensors", 50);
  const ProgramResult result = Fedgap({"inspect", run.string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("damaged: "));
  EXPECT_THAT(result.out, HasSubstr("round-000001.safetensors"));
}

TEST_F(ModelCommandsTest, InspectOfNothingSaysSo) {
  EXPECT_THAT(Fedgap({"inspect", dir_.path().string()}).err,
              HasSubstr("holds no run"));
  EXPECT_THAT(Fedgap({"inspect", (dir_ / "none").string()}).err,
              HasSubstr("none"));
}

TEST_F(ModelCommandsTest, EvaluateShowsATablePerGroupAndSize) {
  const ProgramResult result =
      Fedgap({"evaluate", model_file_.string(), "--data", "synthetic:1,200",
              "--sizes", "14,28,24x36", "--edges", "16,29"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("resolution"), HasSubstr("<16 px"),
                                HasSubstr(">=29 px"), HasSubstr("worst"),
                                HasSubstr("at 24x36"), HasSubstr("at 14x14")));
}

TEST_F(ModelCommandsTest, EvaluateTakesImagesAtTheirOwnSizes) {
  const ProgramResult result =
      Fedgap({"evaluate", model_file_.string(), "--data", "synthetic:1,200",
              "--split", "all", "--max-samples", "40"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("all +[0-9.]+ %.* 40"));
}

TEST_F(ModelCommandsTest, EvaluateNamesWhatIsWrong) {
  EXPECT_THAT(Fedgap({"evaluate", model_file_.string(), "--data",
                      "synthetic:1,200", "--split", "tset"})
                  .err,
              HasSubstr("no split \"tset\""));
  EXPECT_THAT(Fedgap({"evaluate", dir_.path().string() + "/none", "--data",
                      "synthetic:1,200"})
                  .err,
              HasSubstr("none"));
  EXPECT_THAT(Fedgap({"evaluate", model_file_.string(), "--data",
                      "synthetic:1,200", "--sizes", "1"})
                  .err,
              HasSubstr("1x1"));
}

TEST_F(ModelCommandsTest, PredictNamesTheClassOfEachFile) {
  const fs::path image = MakeImage();
  const ProgramResult result =
      Fedgap({"predict", model_file_.string(), image.string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              ContainsRegex(image.string() + "\t[0-3]\t(0\\.[0-9]+|1\\.0+)"));
}

TEST_F(ModelCommandsTest, PredictUsesTheRunsLastModelAndItsClassNames) {
  const ProgramResult result =
      Fedgap({"predict", MakeRun().string(), MakeImage().string(),
              "--resolution", "28"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("\t(shirt|shoe)\t"));
}

TEST_F(ModelCommandsTest, AModelThatIsNotWrittenYetIsToldFromAMissingOne) {
  const fs::path root = MakeRun();
  EXPECT_THAT(Fedgap({"predict", (root / "model.safetensors").string(),
                      MakeImage().string()})
                  .err,
              HasSubstr("the run has not finished; give " + root.string()));
}

TEST_F(ModelCommandsTest, PredictGoesOnAfterABrokenFile) {
  std::ofstream(dir_ / "broken.png") << "\x89PNG\r\n\x1a\nhalf";
  const fs::path image = MakeImage();
  const ProgramResult result =
      Fedgap({"predict", model_file_.string(), (dir_ / "broken.png").string(),
              (dir_ / "none.png").string(), image.string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr(image.string()));
  EXPECT_THAT(result.err, HasSubstr("2 of 3 files"));
}

TEST_F(ModelCommandsTest, PredictSaysThatColourIsLost) {
  // 8 x 10 pixels, all (0x40, 0x40, 0x40).
  std::ofstream(dir_ / "colour.ppm") << "P6 10 8 255\n"
                                     << std::string(240, '\x40');
  const ProgramResult result =
      Fedgap({"predict", model_file_.string(), (dir_ / "colour.ppm").string(),
              MakeImage().string()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("1 of 2 files are in colour and were read "
                                    "as grey"));
}

TEST_F(ModelCommandsTest, PredictNamesABrokenFile) {
  std::ofstream(dir_ / "broken.png") << "\x89PNG\r\n\x1a\nhalf";
  const ProgramResult result =
      Fedgap({"predict", model_file_.string(), (dir_ / "broken.png").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("broken.png"));
}

}  // namespace
}  // namespace fedgap
