// Client and server over real gRPC on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <vector>

#include "client/rpc/grpc_federation_api.h"
#include "common/federation/model_id.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/status_conversion.h"
#include "common/wire/limits.h"
#include "common/wire/update_wire.h"
#include "server/rpc/grpc_server.h"
#include "tests/server/rpc/running_server.h"
#include "tests/testing/fault_proxy.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

// The next task of a kind; the test fails if the stream ends before it.
template <typename Work>
Task Next(TaskSource& stream) {
  while (true) {
    StatusOr<Task> task = stream.Next();
    if (!task.ok()) {
      ADD_FAILURE() << task.status();
      return {};
    }
    if (std::holds_alternative<Work>(task->work)) return *task;
  }
}

// A client that has joined and listens.
struct Member {
  Member(RunningServer& server, const std::string& name,
         std::optional<int> port = std::nullopt)
      : api(server.Client(name, port)) {
    EXPECT_OK(api->Join(RunningServer::Holding(10)));
    stream = api->OpenTasks({}).value();
  }
  std::unique_ptr<GrpcFederationApi> api;
  std::unique_ptr<TaskSource> stream;
};

// Answers every task until the run is over.
FinishedNotice TakePart(RunningServer& server, Member& member, float value) {
  while (true) {
    const StatusOr<Task> task = member.stream->Next();
    if (!task.ok()) {
      ADD_FAILURE() << task.status();
      return {};
    }
    if (const auto* over = std::get_if<FinishedNotice>(&task->work)) {
      return *over;
    }
    if (std::holds_alternative<TrainTask>(task->work) ||
        std::holds_alternative<EvaluateTask>(task->work)) {
      EXPECT_OK(member.api->FetchModel(task->base, {}));
      EXPECT_OK(member.api->SubmitUpdate(server.UpdateFor(*task, value)));
    }
  }
}

TEST(GrpcFederationTest, TwoClientsTakePartInARunFromStartToFinish) {
  RunningServer server({.min_clients = 2, .rounds = 2});
  Member alice(server, "alice");
  Member bob(server, "bob");
  FinishedNotice alices;
  std::thread thread([&] { alices = TakePart(server, alice, 0.25F); });
  const FinishedNotice bobs = TakePart(server, bob, 0.75F);
  thread.join();
  EXPECT_EQ(bobs, alices);
  EXPECT_EQ(bobs.reason, "completed");
  const RunStatus status = server.coordinator().GetStatus();
  EXPECT_EQ(status.last_committed, 2);
  EXPECT_EQ(status.model, bobs.model);
  EXPECT_EQ(server.server().staging().slots, 0);
}

TEST(GrpcFederationTest, AModelArrivesAsItIs) {
  RunningServer server({});
  Member alice(server, "alice");
  const Task task = Next<TrainTask>(*alice.stream);
  ASSERT_OK_AND_ASSIGN(const Parameters model,
                       alice.api->FetchModel(task.base, {}));
  const auto snapshot = server.coordinator().GetModel(task.base).value();
  EXPECT_TRUE(std::ranges::equal(model, snapshot->federated()));
}

// Its model has 3.3 MB: four chunks on the way down, thirteen on the way up.
constexpr int kWide = 96;
// What may come twice when a connection is cut: one chunk, and what was under
// way.
constexpr std::int64_t kTwice = 2'000'000;

TEST(GrpcFederationTest, ADownloadThatIsCutInAnyChunkGoesOnWhereItStopped) {
  RunningServer server({.width = kWide});
  Member alice(server, "alice");
  const Task task = Next<TrainTask>(*alice.stream);
  const auto snapshot = server.coordinator().GetModel(task.base).value();
  const auto size = std::ssize(snapshot->bytes());
  for (std::int64_t cut = 200'000; cut < size; cut += kModelChunkBytes) {
    FaultProxy proxy(server.server().port(), {.cut_down = cut});
    const auto far = server.Client("alice", proxy.port());
    ASSERT_OK(far->Join({}));
    Parameters old(snapshot->federated().size(), -1.0F);
    ASSERT_OK_AND_ASSIGN(const Parameters model,
                         far->FetchModel(task.base, std::move(old)));
    EXPECT_TRUE(std::ranges::equal(model, snapshot->federated()));
    EXPECT_EQ(proxy.connections(), 2) << "cut at " << cut;
    EXPECT_LT(proxy.bytes_down(), size + kTwice);
  }
}

TEST(GrpcFederationTest, AnUploadThatIsCutInAnyChunkGoesOnWhereItStopped) {
  for (std::int64_t cut = 100'000; cut < 3'300'000; cut += kUpdateChunkBytes) {
    RunningServer server({.width = kWide});
    FaultProxy proxy(server.server().port(), {.cut_up = cut});
    Member alice(server, "alice");
    const Update update = server.UpdateFor(Next<TrainTask>(*alice.stream));
    ASSERT_GT(std::ssize(update.delta) * 4, 3'300'000);
    const auto far = server.Client("alice", proxy.port());
    ASSERT_OK(far->Join({}));
    ASSERT_OK_AND_ASSIGN(const Verdict verdict, far->SubmitUpdate(update));
    EXPECT_EQ(verdict, Verdict::kAccepted);
    EXPECT_EQ(proxy.connections(), 2) << "cut at " << cut;
    EXPECT_LT(proxy.bytes_up(), std::ssize(update.delta) * 4 + kTwice);
  }
}

TEST(GrpcFederationTest, AFlippedBitIsFoundAndTheTransferGoesOn) {
  RunningServer server({.width = kWide});
  Member alice(server, "alice");
  const Task task = Next<TrainTask>(*alice.stream);
  const auto snapshot = server.coordinator().GetModel(task.base).value();
  const auto size = std::ssize(snapshot->bytes());
  FaultProxy down(server.server().port(), {.flip_down = 1'500'000});
  const auto fetching = server.Client("alice", down.port());
  ASSERT_OK(fetching->Join({}));
  ASSERT_OK_AND_ASSIGN(const Parameters model,
                       fetching->FetchModel(task.base, {}));
  EXPECT_TRUE(std::ranges::equal(model, snapshot->federated()));
  FaultProxy up(server.server().port(), {.flip_up = 700'000});
  const auto sending = server.Client("alice", up.port());
  ASSERT_OK(sending->Join({}));
  ASSERT_OK_AND_ASSIGN(const Verdict verdict,
                       sending->SubmitUpdate(server.UpdateFor(task)));
  EXPECT_EQ(verdict, Verdict::kAccepted);
  // The damage was met: each way carried a chunk again.
  EXPECT_GT(down.bytes_down(), size + 500'000);
  EXPECT_GT(up.bytes_up(), size + 100'000);
}

TEST(GrpcFederationTest, AnOlderProtocolVersionIsRefusedWithBothNamed) {
  RunningServer server({});
  const auto alice = server.Client("alice");
  JoinRequest older;
  older.protocol_version = 0;
  EXPECT_THAT(alice->Join(older),
              Fails(StatusCode::kFailedPrecondition,
                    AllOf(HasSubstr("version 0"), HasSubstr("server 2"))));
}

TEST(GrpcFederationTest, WhoHasNotJoinedGetsNoTasks) {
  RunningServer server({});
  const auto mallory = server.Client("mallory");
  ASSERT_OK_AND_ASSIGN(const auto stream, mallory->OpenTasks({}));
  EXPECT_THAT(stream->Next(), Fails(StatusCode::kNotFound,
                                    HasSubstr("mallory has not joined")));
}

TEST(GrpcFederationTest, AnUnknownModelIsNotFound) {
  RunningServer server({});
  const auto alice = server.Client("alice");
  ASSERT_OK(alice->Join({}));
  EXPECT_THAT(alice->FetchModel({}, {}), HasCode(StatusCode::kNotFound));
}

TEST(GrpcFederationTest, ACopyIsRecognisedAndASecondUpdateRefused) {
  RunningServer server({.min_clients = 2});
  Member alice(server, "alice");
  Member bob(server, "bob");
  const Task task = Next<TrainTask>(*alice.stream);
  const Update update = server.UpdateFor(task);
  ASSERT_OK(alice.api->SubmitUpdate(update));
  ASSERT_OK_AND_ASSIGN(const Verdict again, alice.api->SubmitUpdate(update));
  EXPECT_EQ(again, Verdict::kAlreadyAccepted);
  EXPECT_THAT(alice.api->SubmitUpdate(server.UpdateFor(task, 0.125F)),
              HasCode(StatusCode::kAlreadyExists));
}

TEST(GrpcFederationTest, AnUpdateOfAnotherRoundIsStale) {
  RunningServer server({.min_clients = 2});
  Member alice(server, "alice");
  Member bob(server, "bob");
  Update update = server.UpdateFor(Next<TrainTask>(*alice.stream));
  update.info.task = {"another/round"};
  EXPECT_THAT(alice.api->SubmitUpdate(update),
              HasCode(StatusCode::kFailedPrecondition));
}

TEST(GrpcFederationTest, ANaNIsRejectedAndTheClientStays) {
  RunningServer server({.min_clients = 2});
  Member alice(server, "alice");
  Member bob(server, "bob");
  Update update = server.UpdateFor(Next<TrainTask>(*alice.stream));
  update.delta[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(alice.api->SubmitUpdate(update),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(server.coordinator().GetStatus().connected, 2);
}

TEST(GrpcFederationTest, ASecondConnectionTakesOver) {
  RunningServer server({});
  Member first(server, "alice");
  const Task task = Next<TrainTask>(*first.stream);
  Member second(server, "alice");
  EXPECT_THAT(first.stream->Next(),
              Fails(StatusCode::kAborted, HasSubstr("took over")));
  EXPECT_EQ(Next<TrainTask>(*second.stream).id, task.id);
}

TEST(GrpcFederationTest, UpdatesWaitForASlotWithoutAWord) {
  RunningServer server({.min_clients = 2, .upload_slots = 1});
  Member alice(server, "alice");
  Member bob(server, "bob");
  FinishedNotice alices;
  std::thread thread([&] { alices = TakePart(server, alice, 0.25F); });
  const FinishedNotice bobs = TakePart(server, bob, 0.75F);
  thread.join();
  EXPECT_EQ(alices.model, bobs.model);
}

// One that gets an upload slot and sends no byte.
class SlotHolder {
 public:
  SlotHolder(RunningServer& server, Member& member, const std::string& name)
      : stub_(server.Stub()) {
    context_.AddMetadata(kClientNameKey, name);
    stream_ = stub_->SubmitUpdate(&context_);
    v1::SubmitRequest header;
    *header.mutable_header() =
        ToProto(HeaderOf(server.UpdateFor(Next<TrainTask>(*member.stream)),
                         server.coordinator().layout_hash()));
    v1::SubmitReply reply;
    EXPECT_TRUE(stream_->Write(header));
    EXPECT_TRUE(stream_->Read(&reply));
    EXPECT_TRUE(reply.has_resume_from());
  }
  // How the server ends the call.
  Status End() {
    v1::SubmitReply reply;
    EXPECT_FALSE(stream_->Read(&reply));
    return FromGrpcStatus(stream_->Finish());
  }

 private:
  std::unique_ptr<v1::Federation::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SubmitRequest, v1::SubmitReply>>
      stream_;
};

// Bob has one round with Mallory in it, who holds the only slot and then does
// this.
Status EndOfSlotHolder(
    const std::function<void(RunningServer&, Member& mallory)>& act) {
  RunningServer server({.min_clients = 2, .quorum = 0.5, .upload_slots = 1});
  Member mallory(server, "mallory");
  Member bob(server, "bob");
  SlotHolder holder(server, mallory, "mallory");
  std::thread thread([&] {
    EXPECT_OK(
        bob.api->SubmitUpdate(server.UpdateFor(Next<TrainTask>(*bob.stream))));
  });
  while (server.server().staging().waiting == 0) std::this_thread::yield();
  act(server, mallory);
  Status end = holder.End();
  thread.join();
  return end;
}

TEST(GrpcFederationTest, TheSlotOfWhoLeavesGoesToTheNext) {
  EXPECT_THAT(EndOfSlotHolder([](RunningServer&, Member& mallory) {
                EXPECT_OK(mallory.api->Leave("bye"));
              }),
              Fails(StatusCode::kFailedPrecondition, HasSubstr("is over")));
}

TEST(GrpcFederationTest, TheSlotOfWhoIsExpelledGoesToTheNext) {
  EXPECT_THAT(EndOfSlotHolder([](RunningServer& server, Member&) {
                EXPECT_OK(server.coordinator().Expel(
                    {"mallory"}, absl::PermissionDeniedError("kicked")));
              }),
              Fails(StatusCode::kFailedPrecondition, HasSubstr("is over")));
}

TEST(GrpcFederationTest, TheSlotOfWhoIsSlowGoesToTheNext) {
  EXPECT_THAT(EndOfSlotHolder([](RunningServer& server, Member&) {
                server.clock().Advance(std::chrono::seconds(11));
              }),
              Fails(StatusCode::kUnavailable, HasSubstr("slower than")));
}

TEST(GrpcFederationTest, CancelEndsACallThatBlocks) {
  RunningServer server({});
  Member alice(server, "alice");
  Next<TrainTask>(*alice.stream);
  std::thread thread([&] { alice.api->Cancel(); });
  EXPECT_THAT(alice.stream->Next(), HasCode(StatusCode::kCancelled));
  thread.join();
  EXPECT_THAT(alice.api->Join({}), HasCode(StatusCode::kCancelled));
  EXPECT_OK(alice.api->Leave("stopped"));
  EXPECT_EQ(server.coordinator().GetStatus().connected, 0);
}

TEST(GrpcFederationTest, GoodbyeEndsTheStreamForGood) {
  RunningServer server({});
  Member alice(server, "alice");
  Next<TrainTask>(*alice.stream);
  ASSERT_OK(alice.api->Leave("stopped"));
  EXPECT_THAT(alice.stream->Next(), HasCode(StatusCode::kCancelled));
  EXPECT_EQ(server.coordinator().GetStatus().connected, 0);
}

TEST(GrpcFederationTest, AServerThatComesUpIsFoundAtTheNextAttempt) {
  const ManualClock clock;
  int port = 0;
  {
    RunningServer gone({});
    port = gone.server().port();
  }
  const auto alice = RunningServer::ClientOf(port, "alice", clock);
  EXPECT_THAT(alice->Join({}), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(alice->Join({}), HasCode(StatusCode::kUnavailable));
  RunningServer server({.port = port});
  EXPECT_OK(alice->Join({}));
}

TEST(GrpcFederationTest, AClosedStreamIsCancelled) {
  RunningServer server({.min_clients = 2});
  Member alice(server, "alice");
  alice.stream->Close();
  EXPECT_THAT(alice.stream->Next(), HasCode(StatusCode::kCancelled));
  EXPECT_OK(alice.api->Join({}));
}

TEST(GrpcFederationTest, AServerThatStopsSendsItsClientsHomeForNow) {
  RunningServer server({});
  Member alice(server, "alice");
  Next<TrainTask>(*alice.stream);
  std::thread thread(
      [&] { server.server().Shutdown(std::chrono::milliseconds(1000)); });
  EXPECT_THAT(alice.stream->Next(),
              Fails(StatusCode::kUnavailable, HasSubstr("going away")));
  thread.join();
  EXPECT_THAT(
      alice.api->Join({}),
      Fails(StatusCode::kUnavailable, HasSubstr("no connection to 127.0.0.1")));
}

TEST(GrpcFederationTest, AStreamThatEndsByItsAgeGoesOnUnseen) {
  RunningServer server({});
  Member alice(server, "alice");
  const Task task = Next<TrainTask>(*alice.stream);
  for (int i = 0; i < 3; ++i) {
    server.clock().Advance(std::chrono::minutes(30));
    EXPECT_EQ(Next<TrainTask>(*alice.stream), task);
  }
  EXPECT_EQ(server.events().Of<ClientJoinedEvent>().size(), 1U);
  EXPECT_TRUE(server.events().Of<ClientLeftEvent>().empty());
  ASSERT_OK(alice.api->SubmitUpdate(server.UpdateFor(task)));
  TakePart(server, alice, 0.5F);
  EXPECT_THAT(alice.stream->Next(),
              Fails(StatusCode::kUnavailable, HasSubstr("open it again")));
}

TEST(GrpcFederationTest, AnUpdateThatCannotBeStoredIsNotLost) {
  RunningServer server({.width = kWide});
  Member alice(server, "alice");
  const Update update = server.UpdateFor(Next<TrainTask>(*alice.stream));
  std::filesystem::remove(server.staging_directory());
  EXPECT_THAT(alice.api->SubmitUpdate(update),
              HasCode(StatusCode::kUnavailable));
  EXPECT_TRUE(server.events().Of<UpdateRejectedEvent>().empty());
  EXPECT_THAT(server.events().Of<WarningEvent>().front().message,
              HasSubstr("updates cannot be stored"));
  std::filesystem::create_directory(server.staging_directory());
  ASSERT_OK_AND_ASSIGN(const Verdict verdict, alice.api->SubmitUpdate(update));
  EXPECT_EQ(verdict, Verdict::kAccepted);
}

TEST(GrpcFederationTest, APortInUseIsNamed) {
  RunningServer server({});
  TempDir directory;
  GrpcServer::Options options;
  options.listen = server.address();
  options.staging.directory = directory.path();
  EXPECT_THAT(
      GrpcServer::Create(options, {server.coordinator(), server.clock()}),
      Fails(
          StatusCode::kUnavailable,
          AllOf(HasSubstr(server.address().ToString()), HasSubstr("in use"))));
}

TEST(GrpcFederationTest, WithoutTlsAServerStaysOnThisMachine) {
  RunningServer server({});
  TempDir directory;
  GrpcServer::Options options;
  options.listen = {"0.0.0.0", 0};
  options.staging.directory = directory.path();
  EXPECT_THAT(
      GrpcServer::Create(options, {server.coordinator(), server.clock()}),
      HasCode(StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace fedgap
