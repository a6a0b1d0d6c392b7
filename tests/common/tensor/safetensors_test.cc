#include "common/tensor/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

std::vector<std::uint8_t> FileWith(const std::string& header,
                                   std::size_t data_bytes) {
  std::vector<std::uint8_t> bytes(8 + header.size() + data_bytes);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

TEST(SafetensorsTest, GivesBackWhatWasWritten) {
  const Parameters weight = {1.5f, -0.0f, 3e-40f, 4, 5, 6};
  const std::vector<std::int64_t> counts = {-1, INT64_MAX};
  SafetensorsWriter writer({{"run", "demo"}, {"quote", "\"\n"}});
  writer.Add("conv.weight", {2, 3}, weight);
  writer.Add("counts", {2}, counts);
  writer.Add("empty", {0}, std::span<const float>());
  ASSERT_OK_AND_ASSIGN(const auto file,
                       SafetensorsFile::Parse(writer.Finish()));
  EXPECT_EQ(file.metadata("run"), "demo");
  EXPECT_EQ(file.metadata("quote"), "\"\n");
  EXPECT_EQ(file.metadata("none"), "");
  EXPECT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.Find("conv.weight")->shape, (Shape{2, 3}));
  ASSERT_OK_AND_ASSIGN(const Parameters read, file.Float32("conv.weight"));
  EXPECT_EQ(std::memcmp(read.data(), weight.data(), 24), 0);
  EXPECT_EQ(*file.Int64("counts"), counts);
  EXPECT_TRUE(file.Float32("empty")->empty());
}

TEST(SafetensorsTest, WritesTheFormatsBytes) {
  const Parameters one = {1.0f};
  SafetensorsWriter writer;
  writer.Add("a", {1}, one);
  const auto bytes = writer.Finish();
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  EXPECT_EQ(bytes[0], 56);  // padded to a multiple of 8
  EXPECT_EQ(std::string(
                bytes.begin() + 8,
                bytes.begin() + 8 + static_cast<std::ptrdiff_t>(header.size())),
            header);
  EXPECT_EQ(bytes.size(), 8u + 56 + 4);
  EXPECT_EQ(bytes.back(), 0x3f);
}

TEST(SafetensorsTest, NamesAMissingTensorAndAnotherType) {
  const Parameters one = {1.0f};
  SafetensorsWriter writer;
  writer.Add("a", {1}, one);
  ASSERT_OK_AND_ASSIGN(const auto file,
                       SafetensorsFile::Parse(writer.Finish()));
  EXPECT_THAT(file.Float32("b"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("\"b\"")));
  EXPECT_THAT(file.Int64("a"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("F32")));
}

TEST(SafetensorsTest, EveryCutIsNoticed) {
  const Parameters values(5, 1.0f);
  SafetensorsWriter writer({{"k", "v"}, {"l", "w"}});
  writer.Add("a", {5}, values);
  const auto bytes = writer.Finish();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(
        SafetensorsFile::Parse(
            {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}),
        HasCode(absl::StatusCode::kDataLoss));
  }
}

TEST(SafetensorsTest, RefusesWhatDoesNotFit) {
  const struct {
    const char* header;
    std::size_t data_bytes;
  } cases[] = {
      {"[]", 0},
      {R"({"a":1})", 0},
      {R"({"__metadata__":{"a":1}})", 0},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F9","shape":[1],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 8},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],)"
       R"("data_offsets":[0,0]}})",
       0},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
       6},
  };
  for (const auto& [header, data_bytes] : cases) {
    EXPECT_THAT(SafetensorsFile::Parse(FileWith(header, data_bytes)),
                HasCode(absl::StatusCode::kDataLoss))
        << header;
  }
}

TEST(SafetensorsTest, RefusesAnAbsurdHeaderLength) {
  std::vector<std::uint8_t> bytes(64, 0xff);
  EXPECT_THAT(SafetensorsFile::Parse(bytes),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("absurdly long")));
}

}  // namespace
}  // namespace fedgap
