#include "client/core/participant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "client/core/client_store.h"
#include "common/base/clock.h"
#include "common/data/image_dataset.h"
#include "common/data/synthetic.h"
#include "common/federation/model_id.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// A server that pushes the given tasks and then ends the run.
class FakeFederationApi final : public FederationApi {
 public:
  explicit FakeFederationApi(std::vector<Task> tasks = {})
      : tasks_(tasks.begin(), tasks.end()) {
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

  StatusOr<JoinReply> Join(const JoinRequest&) override { return reply; }
  StatusOr<std::unique_ptr<TaskStream>> OpenTasks(const TaskId&) override {
    return std::make_unique<Stream>(tasks_);
  }
  StatusOr<Parameters> FetchModel(const ModelId&) override {
    return absl::NotFoundError("no model");
  }
  StatusOr<Verdict> SubmitUpdate(const Update&) override {
    return absl::FailedPreconditionError("no round");
  }
  Status Decline(const TaskId& task, const std::string& reason) override {
    declined.emplace_back(task.value, reason);
    return decline_status;
  }
  Status Leave(const std::string&) override { return absl::OkStatus(); }
  void Cancel() override {}

  JoinReply reply;
  Status decline_status;
  std::vector<std::pair<std::string, std::string>> declined;

 private:
  class Stream final : public TaskStream {
   public:
    explicit Stream(std::deque<Task> tasks) : tasks_(std::move(tasks)) {}
    StatusOr<Task> Next() override {
      if (tasks_.empty()) return absl::CancelledError("closed");
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      return task;
    }
    void Close() override {}

   private:
    std::deque<Task> tasks_;
  };

  std::deque<Task> tasks_;
};

class RecordingListener final : public ParticipantListener {
 public:
  void OnDeclined(const Task& task, const Status& cause) override {
    declined.push_back(task.id.value + ": " + MessageOf(cause));
  }
  void OnFinished(const FinishedNotice&) override { finished = true; }

  std::vector<std::string> declined;
  bool finished = false;
};

Task UnknownTask() {
  Task task;
  task.id = {"run-1/1/key_exchange/alice"};
  task.round = 1;
  task.work = UnknownWork{};
  return task;
}

class ParticipantTest : public testing::Test {
 protected:
  Status Run(FakeFederationApi& api, const DataSource& data) {
    Participant participant({.name = {"alice"},
                             .software = "test",
                             .threads = 1,
                             .back_off = {},
                             .give_up_after = std::chrono::seconds(0)},
                            {api, data, store_, clock_, &listener_});
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
