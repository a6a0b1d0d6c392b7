#include "common/wire/update_wire.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/crypto/xxh3.h"
#include "common/wire/limits.h"
#include "tests/common/wire/malformed_messages.h"

namespace fedgap {
namespace {

Update SomeUpdate() {
  Update update;
  UpdateInfo& info = update.info;
  info.task = {"demo/3/1/train/alice"};
  info.round = 3;
  info.base.digest.fill(0xAB);
  info.counts = {{0, 100, 19600}, {2, 40, 31360}};
  info.local_steps = 12;
  info.train_seconds = 1.25;
  info.train_metrics = {{0, {100, 50, 1 << 20}}, {2, {40, 39, 12}}};
  info.held_out_metrics = {{2, {4, 1, 99}}};
  info.training = {384, 200, 123456789};
  info.pooled.groups = {{.group = 0,
                         .count = 100,
                         .mean = {0.5F, -1.0F},
                         .class_counts = {},
                         .class_means = {}},
                        {.group = 2,
                         .count = 40,
                         .mean = {1.0F, 2.0F},
                         .class_counts = {30, 0, 10},
                         .class_means = {1, 2, 0, 0, 5, 6}}};
  update.delta = {0.25F, -0.5F, 1.0F};
  return update;
}

UpdateHeader SomeHeader() {
  Sha256Digest layout{};
  layout.fill(0x11);
  return HeaderOf(SomeUpdate(), layout);
}

StatusOr<UpdateHeader> ParseHeader(const v1::UpdateHeader& proto) {
  return FromProto(proto);
}

TEST(UpdateWireTest, AHeaderDescribesItsUpdate) {
  const UpdateHeader header = SomeHeader();
  EXPECT_EQ(header.elements, 3);
  EXPECT_EQ(header.bytes, 12);
  // The bytes of 0.25f, -0.5f, 1.0f, little-endian.
  const std::uint8_t bytes[] = {0, 0,    0x80, 0x3E, 0,    0,
                                0, 0xBF, 0,    0,    0x80, 0x3F};
  EXPECT_EQ(header.digest, ToHex(Xxh3Of128(bytes)));
}

TEST(UpdateWireTest, EveryFieldComesBack) {
  std::string bytes;
  ASSERT_TRUE(ToProto(SomeHeader()).SerializeToString(&bytes));
  v1::UpdateHeader proto;
  ASSERT_TRUE(proto.ParseFromString(bytes));
  ASSERT_OK_AND_ASSIGN(const UpdateHeader back, ParseHeader(proto));
  EXPECT_EQ(back, SomeHeader());
}

TEST(UpdateWireTest, AnEvaluationHasNoVector) {
  Update update;
  update.info.task = {"t"};
  const UpdateHeader header = HeaderOf(update, {});
  EXPECT_EQ(ToProto(header).vectors_size(), 0);
  ASSERT_OK_AND_ASSIGN(const UpdateHeader back, ParseHeader(ToProto(header)));
  EXPECT_EQ(back, header);
}

using Header = v1::UpdateHeader;

TEST(UpdateWireTest, MalformedVectorsAreRefused) {
  ExpectRefused<Header>(
      ToProto(SomeHeader()),
      {
          {"no task", [](Header& m) { m.clear_task_id(); }, "update.task_id"},
          {"short layout hash", [](Header& m) { m.set_layout_hash("x"); },
           "update.layout_hash"},
          {"two vectors", [](Header& m) { *m.add_vectors() = m.vectors(0); },
           "update.vectors is 2"},
          {"another vector",
           [](Header& m) { m.mutable_vectors(0)->set_name("masked"); },
           "takes \"delta\""},
          {"another codec",
           [](Header& m) {
             m.mutable_vectors(0)->set_codec(static_cast<v1::Codec>(9));
           },
           "codec is 9", absl::StatusCode::kUnimplemented},
          {"no elements",
           [](Header& m) {
             m.mutable_vectors(0)->set_elements(0);
             m.mutable_vectors(0)->set_bytes(0);
           },
           "elements is 0"},
          {"bytes that don't fit",
           [](Header& m) { m.mutable_vectors(0)->set_bytes(13); },
           "bytes is 13; allowed are 12 to 12"},
          {"absurd length",
           [](Header& m) { m.mutable_vectors(0)->set_bytes(INT64_MAX); },
           "at most", absl::StatusCode::kResourceExhausted},
          {"short digest",
           [](Header& m) { m.mutable_vectors(0)->set_xxh3_128("123"); },
           "16 bytes of XXH3-128"},
      },
      ParseHeader);
}

TEST(UpdateWireTest, MalformedCountsAndMetricsAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ExpectRefused<Header>(
      ToProto(SomeHeader()),
      {
          {"a claim of 10^18 samples",
           [](Header& m) {
             m.mutable_info()->mutable_counts(0)->set_samples(
                 1'000'000'000'000'000'000);
           },
           "counts.samples is 1000000000000000000; allowed are 0 to"},
          {"negative samples",
           [](Header& m) {
             m.mutable_info()->mutable_counts(0)->set_samples(-1);
           },
           "counts.samples is -1"},
          {"groups that don't ascend",
           [](Header& m) { m.mutable_info()->mutable_counts(1)->set_group(0); },
           "group 0 after group 0"},
          {"a group that cannot be",
           [](Header& m) {
             m.mutable_info()->mutable_counts(1)->set_group(64);
           },
           "counts is 64"},
          {"more correct than counted",
           [](Header& m) {
             m.mutable_info()->mutable_training()->set_correct(385);
           },
           "training is 385"},
          {"negative loss",
           [](Header& m) {
             m.mutable_info()->mutable_training()->set_loss_fixed(-1);
           },
           "training is -1"},
          {"metrics twice",
           [](Header& m) {
             *m.mutable_info()->add_held_out_metrics() =
                 m.info().held_out_metrics(0);
           },
           "held_out_metrics has group 2 after group 2"},
          {"NaN seconds",
           [=](Header& m) { m.mutable_info()->set_train_seconds(nan); },
           "train_seconds is nan"},
          {"no base model", [](Header& m) { m.mutable_info()->clear_base(); },
           "update.info.base"},
      },
      ParseHeader);
}

TEST(UpdateWireTest, MalformedPooledStatisticsAreRefused) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto pooled = [](Header& m) {
    return m.mutable_info()->mutable_pooled(1);
  };
  ExpectRefused<Header>(
      ToProto(SomeHeader()),
      {
          {"no mean", [=](Header& m) { pooled(m)->clear_mean(); }, "mean is 0"},
          {"NaN mean", [=](Header& m) { pooled(m)->set_mean(0, nan); },
           "mean holds NaN"},
          {"no samples", [=](Header& m) { pooled(m)->set_count(0); },
           "count is 0"},
          {"a class above the group",
           [=](Header& m) { pooled(m)->set_class_counts(0, 41); },
           "class_counts is 41"},
          {"classes above the group",
           [=](Header& m) { pooled(m)->set_class_counts(0, 31); }, "add up"},
          {"rows missing", [=](Header& m) { pooled(m)->clear_class_means(); },
           "one row"},
          {"infinite class mean",
           [=](Header& m) { pooled(m)->set_class_means(0, nan); },
           "class_means holds NaN"},
          {"numbers of a withheld class",
           [=](Header& m) { pooled(m)->set_class_means(2, 1); }, "withheld"},
          {"groups that don't ascend",
           [=](Header& m) { pooled(m)->set_group(0); },
           "group 0 after group 0"},
      },
      ParseHeader);
}

TEST(UpdateWireTest, AnInfoThatIsTooLargeIsRefused) {
  v1::UpdateHeader proto = ToProto(SomeHeader());
  auto* means = proto.mutable_info()->mutable_pooled(0)->mutable_mean();
  means->Resize(static_cast<int>(kMaxUpdateInfoBytes / 4), 1.0F);
  EXPECT_THAT(ParseHeader(proto),
              Fails(absl::StatusCode::kResourceExhausted,
                    testing::HasSubstr("pooled = \"mean\"")));
}

}  // namespace
}  // namespace fedgap
