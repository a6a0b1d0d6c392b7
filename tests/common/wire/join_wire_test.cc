#include "common/wire/join_wire.h"

#include <gtest/gtest.h>

#include "tests/common/wire/malformed_messages.h"

namespace fedgap {
namespace {

JoinRequest SomeRequest() {
  JoinRequest request;
  request.software = "fedgap 0.1.0";
  request.samples = 6000;
  request.min_pixels = 196;
  request.max_pixels = 1600;
  request.probe = true;
  request.instance = 0xFEDCBA9876543210;
  return request;
}

JoinReply SomeReply() {
  JoinReply reply;
  reply.run = {"demo-0123456789abcdef"};
  reply.model = BuiltInModel("gap-cnn-gn").value();
  reply.layout_hash.fill(0x42);
  reply.max_update_bytes = 123456;
  reply.class_names = {"cat", "dog or wolf", "zebra \xC3\xA4"};
  return reply;
}

TEST(JoinWireTest, RequestsComeBack) {
  for (const JoinRequest& request : {SomeRequest(), JoinRequest{}}) {
    ASSERT_OK_AND_ASSIGN(const JoinRequest back, FromProto(ToProto(request)));
    EXPECT_EQ(back, request);
  }
}

TEST(JoinWireTest, RepliesComeBack) {
  ASSERT_OK_AND_ASSIGN(const JoinReply back, FromProto(ToProto(SomeReply())));
  EXPECT_EQ(back, SomeReply());
}

TEST(JoinWireTest, ARequestOfAnotherVersionGivesItsVersion) {
  v1::JoinRequest proto = ToProto(SomeRequest());
  proto.set_protocol_version(7);
  proto.set_samples(-1);  // a later version may mean something by it
  ASSERT_OK_AND_ASSIGN(const JoinRequest request, FromProto(proto));
  EXPECT_EQ(request.protocol_version, 7);
}

TEST(JoinWireTest, AReplyOfAnotherVersionNamesBoth) {
  v1::JoinReply proto = ToProto(SomeReply());
  proto.set_protocol_version(3);
  EXPECT_THAT(FromProto(proto),
              Fails(absl::StatusCode::kFailedPrecondition,
                    testing::HasSubstr("version 3, this client version 2")));
}

TEST(JoinWireTest, MalformedRequestsAreRefused) {
  using M = v1::JoinRequest;
  ExpectRefused<M>(
      ToProto(SomeRequest()),
      {
          {"long software", [](M& m) { m.set_software(std::string(129, 'x')); },
           "join.software"},
          {"negative samples", [](M& m) { m.set_samples(-1); },
           "join.samples is -1"},
          {"10^18 samples",
           [](M& m) { m.set_samples(1'000'000'000'000'000'000); },
           "join.samples"},
          {"largest below smallest", [](M& m) { m.set_max_pixels(1); },
           "join.max_pixels is 1; allowed are 196"},
      },
      [](const M& m) { return FromProto(m); });
}

TEST(JoinWireTest, MalformedRepliesAreRefused) {
  using M = v1::JoinReply;
  ExpectRefused<M>(
      ToProto(SomeReply()),
      {
          {"no run", [](M& m) { m.clear_run_id(); }, "run_id"},
          {"a run outside its directory", [](M& m) { m.set_run_id("../../x"); },
           "run_id"},
          {"a run in another directory", [](M& m) { m.set_run_id("/x"); },
           "run_id"},
          {"a run in a directory of its own", [](M& m) { m.set_run_id("a/b"); },
           "run_id"},
          {"a long run", [](M& m) { m.set_run_id(std::string(129, 'x')); },
           "run_id"},
          {"no layout hash", [](M& m) { m.clear_layout_hash(); },
           "layout_hash"},
          {"negative bytes", [](M& m) { m.set_max_update_bytes(-1); },
           "max_update_bytes"},
          {"an empty class name", [](M& m) { m.add_class_names(""); },
           "class_names has an empty name"},
          {"a class name twice", [](M& m) { m.add_class_names("cat"); },
           "class_names has a name twice"},
          {"a long class name",
           [](M& m) { m.add_class_names(std::string(257, 'x')); },
           "class_names"},
          {"a class name with a control character",
           [](M& m) { m.add_class_names("a\nb"); }, "class_names"},
          {"a class name with a control character of C1",
           [](M& m) { m.add_class_names("a\u009Bb"); }, "class_names"},
          {"a class name that turns the writing direction",
           [](M& m) { m.add_class_names("a\u202Eb"); }, "class_names"},
          {"a class name that is no UTF-8",
           [](M& m) { m.add_class_names("a\xFF"); }, "class_names"},
          {"no model", [](M& m) { m.clear_model(); }, "version 0",
           absl::StatusCode::kFailedPrecondition},
      },
      [](const M& m) { return FromProto(m); });
}

TEST(JoinWireTest, VerdictsComeBack) {
  for (const Verdict verdict :
       {Verdict::kAccepted, Verdict::kAlreadyAccepted}) {
    ASSERT_OK_AND_ASSIGN(const Verdict back, FromProto(ToProto(verdict)));
    EXPECT_EQ(back, verdict);
  }
  EXPECT_THAT(FromProto(v1::VERDICT_UNSPECIFIED),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(JoinWireTest, ModelIdsHave32Bytes) {
  ModelId id;
  id.digest.fill(0xFE);
  ASSERT_OK_AND_ASSIGN(const ModelId back,
                       ModelIdFromProto(ModelIdToProto(id)));
  EXPECT_EQ(back, id);
  EXPECT_THAT(ModelIdFromProto(std::string(31, 'x')),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(JoinWireTest, ReasonsAreShortText) {
  EXPECT_OK(ReasonFromProto("Ctrl-C"));
  EXPECT_OK(ReasonFromProto(""));
  EXPECT_THAT(ReasonFromProto(std::string(1025, 'x')),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ReasonFromProto("a\nb"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(JoinWireTest, ClientNamesAreShortAndPlain) {
  EXPECT_OK(ParseClientName("Alice.b_c-9"));
  EXPECT_OK(ParseClientName(std::string(64, 'a')));
  for (const std::string& bad :
       {std::string(), std::string(65, 'a'), std::string("a b"),
        std::string("a/b"), std::string("\xC3\xA4")}) {
    EXPECT_THAT(ParseClientName(bad),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace fedgap
