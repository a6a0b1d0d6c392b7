// The models of examples/ and docs/MODELS.md are what they say.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/file_io.h"
#include "common/nn/model.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

StatusOr<ModelSpec> ReadModel(const std::string& path) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string text,
                          ReadFileText(SourceDir() / path));
  return ParseModelSpec(text);
}

TEST(ExampleModelsTest, GapCnnGnIsTheBuiltInModel) {
  ASSERT_OK_AND_ASSIGN(const ModelSpec spec,
                       ReadModel("examples/models/gap-cnn-gn.json"));
  ASSERT_OK_AND_ASSIGN(const ModelSpec built_in, BuiltInModel("gap-cnn-gn"));
  EXPECT_EQ(spec, built_in);
}

TEST(ExampleModelsTest, SeparableKeepsItsNormsLocal) {
  ASSERT_OK_AND_ASSIGN(const ModelSpec spec,
                       ReadModel("examples/models/separable.json"));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  EXPECT_EQ(model->layout().range(TensorRole::kLocal).size(),
            2 * (16 + 32 + 32));
  EXPECT_EQ(model->pooled_channels(), 32);
  EXPECT_OK(model->CheckImage({1, 1}));
}

TEST(ModelsDocumentTest, ItsExampleIsAModel) {
  ASSERT_OK_AND_ASSIGN(const std::string text,
                       ReadFileText(SourceDir() / "docs/MODELS.md"));
  const std::string fence = "```json\n";
  const std::size_t begin = text.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t start = begin + fence.size();
  ASSERT_OK_AND_ASSIGN(
      const ModelSpec spec,
      ParseModelSpec(text.substr(start, text.find("```", start) - start)));
  EXPECT_OK(Model::Create(spec));
}

// "| `gap-cnn-s` | ... | 23,946 | 24,234 | 4x4 |"
TEST(ModelsDocumentTest, ItsTableHasTheRightCounts) {
  ASSERT_OK_AND_ASSIGN(const std::string text,
                       ReadFileText(SourceDir() / "docs/MODELS.md"));
  const auto with_comma = [](std::int64_t count) {
    return fmt::format("{},{:03}", count / 1000, count % 1000);
  };
  for (const std::string& name : BuiltInModelNames()) {
    const auto grey = Model::Create(BuiltInModel(name).value()).value();
    const auto colour =
        Model::Create(BuiltInModel(name, {.input_channels = 3}).value())
            .value();
    const std::string row = fmt::format(" | {} | {} | {} |\n",
                                        with_comma(grey->layout().elements()),
                                        with_comma(colour->layout().elements()),
                                        grey->min_image_size().ToString());
    const std::size_t begin = text.find(fmt::format("\n| `{}`", name));
    ASSERT_NE(begin, std::string::npos) << name;
    EXPECT_THAT(text.substr(begin, text.find("\n", begin + 1) - begin + 1),
                ::testing::HasSubstr(row));
  }
}

}  // namespace
}  // namespace fedgap
