#include "client/store/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/update_bytes.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Update SomeUpdate() {
  Update update;
  update.info.task = {"demo/1/train/a"};
  update.info.round = 1;
  update.info.counts = {{0, 10, 7840}};
  update.info.local_steps = 3;
  update.delta = {1.5F, -2.5F};
  return update;
}

TEST(StateFileTest, ReadsBackWhatItWrote) {
  ASSERT_OK_AND_ASSIGN(
      const SavedUpdate saved,
      ParseSavedUpdate(EncodeSavedUpdate(SomeUpdate(), {7, 8}), "f"));
  EXPECT_EQ(saved.update, SomeUpdate());
  EXPECT_EQ(saved.provisional, Parameters({7, 8}));
  ASSERT_OK_AND_ASSIGN(const Parameters tensors,
                       ParseLocalTensors(EncodeLocalTensors({1, 2}), "f"));
  EXPECT_EQ(tensors, Parameters({1, 2}));
}

// The checksum is right: somebody else's program, or an earlier release's.
TEST(StateFileTest, WholeFilesOfAnotherFormAreDamage) {
  const std::string header = SerializeHeader(HeaderOf(SomeUpdate(), {}));
  const auto floats = BytesOf("12345678");
  EXPECT_OK(ParseSavedUpdate(EncodeStateFile({BytesOf(header), floats, floats}),
                             "f"));
  for (const auto& file :
       {EncodeStateFile({BytesOf(header), floats.first(7), floats}),
        EncodeStateFile({BytesOf(header), floats, floats.first(7)}),
        EncodeStateFile({BytesOf(header), floats.first(4), floats}),
        EncodeStateFile({BytesOf("no header"), floats, floats}),
        EncodeStateFile({BytesOf(header), floats}), EncodeStateFile({})}) {
    EXPECT_THAT(
        ParseSavedUpdate(file, "update.bin"),
        Fails(absl::StatusCode::kDataLoss, HasSubstr("update.bin is damaged")));
  }
  EXPECT_THAT(
      ParseLocalTensors(EncodeStateFile({floats.first(7)}), "local.bin"),
      Fails(absl::StatusCode::kDataLoss, HasSubstr("local.bin is damaged")));
}

}  // namespace
}  // namespace fedgap
