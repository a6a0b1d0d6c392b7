#include "client/core/participant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "client/core/client_store.h"
#include "common/base/clock.h"
#include "common/data/image_dataset.h"
#include "common/data/synthetic.h"
#include "common/federation/model_id.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// How a connection goes: these tasks, then this end.
struct Session {
  std::vector<Task> tasks;
  Status end = absl::CancelledError("closed");
};

// A server that pushes the given tasks and then ends the run; `sessions`, one a
// connection, come before that.
class FakeFederationApi final : public FederationApi {
 public:
  explicit FakeFederationApi(std::vector<Task> tasks = {})
      : tasks_(std::move(tasks)) {
    reply.run = {"run-1"};
    reply.model =
        BuiltInModel("gap-cnn-s", {.classes = 10, .width = 4}).value();
    reply.layout_hash =
        LayoutHash(Model::Create(reply.model).value()->layout());
    Task over;
    over.id = {"run-1/finished"};
    over.work = FinishedNotice{{}, "completed"};
    tasks_.push_back(over);
  }

  StatusOr<JoinReply> Join(const JoinRequest&) override {
    if (++joins > 50) return absl::FailedPreconditionError("joined too often");
    if (on_join != nullptr) on_join();
    FEDGAP_RETURN_IF_ERROR(join_status);
    return reply;
  }
  StatusOr<std::unique_ptr<TaskSource>> OpenTasks(const TaskId&) override {
    if (sessions.empty()) {
      return std::make_unique<Stream>(Session{tasks_}, &pushed_);
    }
    auto stream = std::make_unique<Stream>(std::move(sessions.front()));
    sessions.pop_front();
    return stream;
  }
  StatusOr<Parameters> FetchModel(const ModelId&, Parameters memory) override {
    memories.push_back(memory.size());
    if (fetch_when_all_is_pushed) pushed_.get_future().wait();
    if (!fetch_status.ok()) return std::exchange(fetch_status, Status());
    const auto model = Model::Create(reply.model).value();
    Parameters parameters = model->InitialParameters(1);
    parameters.resize(
        static_cast<std::size_t>(model->layout().federated_range().size()));
    return parameters;
  }
  StatusOr<Verdict> SubmitUpdate(const Update&) override {
    ++updates;
    return std::exchange(submit, Verdict::kAccepted);
  }
  Status Decline(const TaskId& task, const std::string& reason) override {
    declined.emplace_back(task.value, reason);
    return decline_status;
  }
  Status Leave(const std::string&) override { return absl::OkStatus(); }
  void Cancel() override {}

  JoinReply reply;
  std::deque<Session> sessions;
  // Of the first call; the others do as they should.
  Status fetch_status;
  StatusOr<Verdict> submit = Verdict::kAccepted;
  Status decline_status;
  Status join_status;  // of every call
  std::function<void()> on_join;
  bool fetch_when_all_is_pushed = false;
  int joins = 0;
  int updates = 0;
  std::vector<std::size_t> memories;  // that models were fetched into
  std::vector<std::pair<std::string, std::string>> declined;

 private:
  class Stream final : public TaskSource {
   public:
    explicit Stream(Session session, std::promise<void>* pushed = nullptr)
        : session_(std::move(session)), pushed_(pushed) {}
    StatusOr<Task> Next() override {
      if (next_ == session_.tasks.size()) {
        if (pushed_ != nullptr) pushed_->set_value();
        return session_.end;
      }
      return session_.tasks[next_++];
    }
    void Close() override {}

   private:
    const Session session_;
    std::promise<void>* const pushed_;  // null: nobody asks
    std::size_t next_ = 0;
  };

  std::vector<Task> tasks_;
  std::promise<void> pushed_;  // every task of the last connection
};

class RecordingListener final : public ParticipantListener {
 public:
  void OnDeclined(const Task& task, const Status& cause) override {
    declined.push_back(task.id.value + ": " + MessageOf(cause));
  }
  void OnFinished(const FinishedNotice&) override { finished = true; }
  void OnRejected(const Task&, const Status&) override { ++rejected; }
  void OnDisconnected(const Status& cause,
                      std::chrono::milliseconds retry_in) override {
    disconnects.push_back(cause.code());
    pauses.push_back(retry_in);
  }

  std::vector<std::string> declined;
  std::vector<StatusCode> disconnects;
  std::vector<std::chrono::milliseconds> pauses;
  int rejected = 0;
  bool finished = false;
};

Task UnknownTask() {
  Task task;
  task.id = {"run-1/1/key_exchange/alice"};
  task.round = 1;
  task.work = UnknownWork{};
  return task;
}

Task SomeTrainTask() {
  Task task;
  task.id = {"run-1/1/train/alice"};
  task.round = 1;
  task.work = TrainTask{};
  return task;
}

Task SomeCommit(bool contributed) {
  Task task;
  task.id = {"run-1/1/committed"};
  task.round = 1;
  task.work = CommittedNotice{{}, contributed};
  return task;
}

// A disk that fails.
class FailingStore final : public ClientStore {
 public:
  explicit FailingStore(Status status) : status_(std::move(status)) {}
  StatusOr<Parameters> LocalTensors(const RunId&) override { return status_; }
  Status SaveUpdate(const RunId&, const Update&, const Parameters&) override {
    return status_;
  }
  StatusOr<std::optional<Update>> FindUpdate(const RunId&,
                                             const TaskId&) override {
    return std::optional<Update>();
  }
  Status Resolve(const RunId&, Round, bool contributed) override {
    promoted = promoted || contributed;
    return absl::OkStatus();
  }

  bool promoted = false;

 private:
  const Status status_;
};

class ParticipantTest : public testing::Test {
 protected:
  Status Run(FakeFederationApi& api, const DataSource& data) {
    return Run(api, data, store_);
  }
  Status Run(FakeFederationApi& api, const DataSource& data,
             ClientStore& store) {
    Participant participant({.name = {"alice"},
                             .software = "test",
                             .threads = 1,
                             .back_off = {std::chrono::milliseconds(1),
                                          std::chrono::milliseconds(20)},
                             .give_up_after = std::chrono::seconds(0)},
                            {api, data, store, clock_, &listener_});
    return participant.Run();
  }

  const SystemClock clock_;
  MemoryClientStore store_;
  RecordingListener listener_;
};

TEST_F(ParticipantTest, AKindThatItDoesNotKnowIsDeclinedAndItStays) {
  FakeFederationApi api({UnknownTask()});
  EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
  EXPECT_TRUE(listener_.finished);
  ASSERT_EQ(api.declined.size(), 1U);
  EXPECT_EQ(api.declined[0].first, "run-1/1/key_exchange/alice");
  EXPECT_THAT(api.declined[0].second, HasSubstr("newer release"));
  ASSERT_EQ(listener_.declined.size(), 1U);
  EXPECT_THAT(listener_.declined[0], HasSubstr("key_exchange"));
}

TEST_F(ParticipantTest, AServerThatKnowsNoDecliningDoesNotEndIt) {
  FakeFederationApi api({UnknownTask()});
  api.decline_status = absl::UnimplementedError("what?");
  EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
  EXPECT_TRUE(listener_.finished);
}

TEST_F(ParticipantTest, ARefusedIdentityEndsIt) {
  FakeFederationApi api({UnknownTask()});
  api.decline_status = absl::PermissionDeniedError("not you");
  EXPECT_THAT(Run(api, MakeSynthetic({.seed = 1, .samples = 20})),
              HasCode(StatusCode::kPermissionDenied));
}

// The task is pushed again only to a client that comes back.
TEST_F(ParticipantTest, ACallThatTheOtherSideCancelledIsALostConnection) {
  for (const bool at_fetch : {true, false}) {
    FakeFederationApi api({SomeTrainTask()});
    api.sessions.push_back({{SomeTrainTask()}, absl::UnavailableError("gone")});
    if (at_fetch) {
      api.fetch_status = absl::CancelledError("reset by a proxy");
    } else {
      api.submit = absl::CancelledError("the server's end");
    }
    listener_ = {};
    EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
    ASSERT_EQ(listener_.disconnects.size(), 1U);
    EXPECT_EQ(listener_.disconnects[0], StatusCode::kCancelled);
  }
}

TEST_F(ParticipantTest, TooManyCallsAreAReasonToWait) {
  FakeFederationApi api({SomeTrainTask()});
  api.sessions.push_back({{}, absl::ResourceExhaustedError("calls a second")});
  EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
  ASSERT_EQ(listener_.disconnects.size(), 1U);
  EXPECT_EQ(listener_.disconnects[0], StatusCode::kResourceExhausted);
}

TEST_F(ParticipantTest, WorkThatNewsOvertookIsNoReasonToComeBack) {
  FakeFederationApi api({SomeTrainTask()});  // and the end of the run behind it
  api.fetch_when_all_is_pushed = true;
  api.fetch_status = absl::CancelledError("overtaken");
  EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
  EXPECT_TRUE(listener_.disconnects.empty());
}

TEST_F(ParticipantTest, AnErrorOfTheStoreEndsItWhateverItsCode) {
  for (const Status& status :
       {absl::DataLossError("local.bin is damaged"),
        absl::UnavailableError("cannot read local.bin: EIO")}) {
    FakeFederationApi api;
    api.sessions.push_back({{SomeTrainTask()}, absl::UnavailableError("gone")});
    FailingStore store(status);
    EXPECT_EQ(Run(api, MakeSynthetic({.seed = 1, .samples = 20}), store),
              status);
    EXPECT_EQ(api.joins, 1);
  }
}

// So that an unreadable update of a model without local tensors is no error.
TEST_F(ParticipantTest, OnlyLocalTensorsArePromoted) {
  FailingStore store(absl::OkStatus());
  FakeFederationApi shared({SomeCommit(/*contributed=*/true)});
  EXPECT_OK(Run(shared, MakeSynthetic({.seed = 1, .samples = 20}), store));
  EXPECT_FALSE(store.promoted);
  FakeFederationApi local({SomeCommit(/*contributed=*/true)});
  local.reply.model =
      BuiltInModel("gap-cnn-gn",
                   {.classes = 10, .width = 8, .norm_role = TensorRole::kLocal})
          .value();
  local.reply.layout_hash =
      LayoutHash(Model::Create(local.reply.model).value()->layout());
  EXPECT_OK(Run(local, MakeSynthetic({.seed = 1, .samples = 20}), store));
  EXPECT_TRUE(store.promoted);
}

TEST_F(ParticipantTest, AModelIsFetchedIntoTheMemoryOfTheOneBefore) {
  Task first = SomeTrainTask();
  Task second = first;
  second.id = {"run-1/2/train"};
  second.base.digest[0] ^= 1;
  FakeFederationApi api;
  for (const Task& task : {first, second}) {
    api.sessions.push_back({{task}, absl::UnavailableError("gone")});
  }
  EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
  EXPECT_EQ(api.updates, 2);
  const auto model = Model::Create(api.reply.model).value();
  EXPECT_THAT(api.memories, testing::ElementsAre(
                                0U, model->layout().federated_range().size()));
}

// Two processes of one identity take each other over as often as they join.
TEST_F(ParticipantTest, WaitsLongerEachTimeThatItIsTakenOverBeforeItWorked) {
  FakeFederationApi api;
  const Status taken = absl::AbortedError("another connection took over");
  for (int i = 0; i < 15; ++i) {
    api.sessions.push_back({{SomeCommit(/*contributed=*/false)}, taken});
  }
  EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
  ASSERT_EQ(listener_.pauses.size(), 15U);
  // Draws from up to 20 ms; after one failure alone they are below 2 ms.
  EXPECT_GE(std::ranges::max(listener_.pauses), std::chrono::milliseconds(2));
}

TEST_F(ParticipantTest, AnAcceptedUpdateMakesTheNextWaitShort) {
  FakeFederationApi api;
  for (int i = 0; i < 6; ++i) {
    api.sessions.push_back({{}, absl::UnavailableError("gone")});
  }
  api.sessions.push_back({{SomeTrainTask()}, absl::UnavailableError("gone")});
  EXPECT_OK(Run(api, MakeSynthetic({.seed = 1, .samples = 20})));
  EXPECT_EQ(api.updates, 1);
  ASSERT_EQ(listener_.pauses.size(), 7U);
  EXPECT_LT(listener_.pauses.back(), std::chrono::milliseconds(2));
}

// Each attempt takes 900 ms; the pauses take no time by this clock.
TEST_F(ParticipantTest, ItGivesUpAServerThatItNeverReached) {
  ManualClock clock;
  FakeFederationApi api;
  api.join_status = absl::UnavailableError("connection refused");
  api.on_join = [&clock] { clock.Advance(std::chrono::milliseconds(900)); };
  const ImageDataset data = MakeSynthetic({.seed = 1, .samples = 20});
  Participant participant({.name = {"alice"},
                           .software = "test",
                           .back_off = {std::chrono::milliseconds(300),
                                        std::chrono::milliseconds(300)},
                           .give_up_after = std::chrono::seconds(2)},
                          {api, data, store_, clock, &listener_});
  EXPECT_THAT(
      participant.Run(),
      Fails(StatusCode::kUnavailable, "no server for 2 s: connection refused"));
  EXPECT_EQ(api.joins, 3);
  // The second pause is cut to what is left.
  EXPECT_THAT(listener_.pauses,
              testing::ElementsAre(std::chrono::milliseconds(300),
                                   std::chrono::milliseconds(200)));
}

// One image of each of two classes.
ImageDataset CatAndDog() {
  ImageDataset::Builder builder(1, {"cat", "dog"});
  for (int label = 0; label < 2; ++label) {
    EXPECT_OK(
        builder.Add(std::vector<std::uint8_t>(16 * 16, 99), {16, 16}, label));
  }
  return std::move(builder).Build();
}

TEST_F(ParticipantTest, AClassThatTheFederationDoesNotKnowEndsIt) {
  FakeFederationApi api;
  api.reply.class_names = {"bird", "cat"};
  EXPECT_THAT(
      Run(api, CatAndDog()),
      Fails(StatusCode::kInvalidArgument,
            testing::AllOf(HasSubstr("no class 'dog'"), HasSubstr("bird, cat"),
                           HasSubstr("cat, dog"))));
}

// The federation's third class is none of the model's two.
TEST_F(ParticipantTest, ItsClassesGetTheFederationsLabels) {
  FakeFederationApi api;
  api.reply.model =
      BuiltInModel("gap-cnn-s", {.classes = 2, .width = 4}).value();
  api.reply.layout_hash =
      LayoutHash(Model::Create(api.reply.model).value()->layout());
  EXPECT_OK(Run(api, CatAndDog()));
  api.reply.class_names = {"bird", "cat", "dog"};
  EXPECT_THAT(Run(api, CatAndDog()),
              Fails(StatusCode::kInvalidArgument, HasSubstr("has label 2")));
}

}  // namespace
}  // namespace fedgap
