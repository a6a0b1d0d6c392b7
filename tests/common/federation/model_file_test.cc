#include "common/federation/model_file.h"

#include <gtest/gtest.h>

#include "common/base/file_io.h"
#include "common/federation/model_id.h"
#include "common/nn/model_spec.h"
#include "common/tensor/safetensors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

class ModelFileTest : public ::testing::Test {
 protected:
  ModelFileTest() {
    auto spec = BuiltInModel("gap-cnn-gn", {.classes = 2, .width = 8});
    model_ = Model::Create(std::move(spec).value()).value();
    parameters_ = model_->InitialParameters(1);
    origin_ = {.id = DigestModel(LayoutHash(model_->layout()), parameters_).id,
               .run = {"demo-01"},
               .round = 12,
               .class_names = {"shirt", "shoe"}};
  }
  std::vector<std::uint8_t> Encode() const {
    return EncodeModelFile(*model_, parameters_, origin_);
  }

  std::unique_ptr<const Model> model_;
  Parameters parameters_;
  ModelOrigin origin_;
};

TEST_F(ModelFileTest, NeedsNothingElseToBeRead) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "model.safetensors", Encode()));
  ASSERT_OK_AND_ASSIGN(const ModelFile file,
                       ReadModelFile(dir / "model.safetensors"));
  EXPECT_EQ(file.model->spec(), model_->spec());
  EXPECT_EQ(file.parameters, parameters_);
  EXPECT_EQ(file.origin.id, origin_.id);
  EXPECT_EQ(file.origin.run, origin_.run);
  EXPECT_EQ(file.origin.round, 12);
  EXPECT_EQ(file.origin.class_names, origin_.class_names);
}

TEST_F(ModelFileTest, NamesTheFile) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "x", "nothing of the kind"));
  EXPECT_THAT(MessageOf(ReadModelFile(dir / "x").status()),
              HasSubstr((dir / "x").string()));
}

TEST_F(ModelFileTest, RefusesOtherSafetensors) {
  SafetensorsWriter writer;
  EXPECT_THAT(
      ParseModelFile(writer.Finish()),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("no fedgap model")));
}

TEST_F(ModelFileTest, NoticesAFlippedBitByTheModelId) {
  auto bytes = Encode();
  bytes.back() ^= 1;
  EXPECT_THAT(ParseModelFile(bytes),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("model_id")));
}

TEST_F(ModelFileTest, NamesATensorThatTheModelLacks) {
  ASSERT_OK_AND_ASSIGN(const auto whole, SafetensorsFile::Parse(Encode()));
  SafetensorsWriter writer(whole.metadata());
  writer.Add("stranger", {2}, std::span(parameters_).first(2));
  EXPECT_THAT(ParseModelFile(writer.Finish()),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace fedgap
