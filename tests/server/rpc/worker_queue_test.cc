#include "server/rpc/worker_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "server/rpc/live_call.h"
#include "tests/testing/manual_clock.h"

namespace fedgap {
namespace {

TEST(WorkerQueueTest, StopRunsWhatWasPostedBefore) {
  WorkerQueue workers(3);
  std::atomic<int> done = 0;
  for (int i = 0; i < 100; ++i) workers.Post([&done] { ++done; });
  workers.Stop();
  EXPECT_EQ(done, 100);
  workers.Post([&done] { ++done; });
  EXPECT_EQ(done, 100);
}

TEST(SerialQueueTest, JobsRunOneAfterTheOtherInOrder) {
  const auto workers = std::make_shared<WorkerQueue>(4);
  const auto serial = std::make_shared<SerialQueue>(workers);
  std::vector<int> order;  // no lock: that is the point
  for (int i = 0; i < 1000; ++i) {
    serial->Post([&order, i] { order.push_back(i); });
  }
  workers->Stop();
  ASSERT_EQ(order.size(), 1000U);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(SerialQueueTest, AJobMayPostAnother) {
  const auto workers = std::make_shared<WorkerQueue>(1);
  const auto serial = std::make_shared<SerialQueue>(workers);
  bool ran = false;
  serial->Post([&] { serial->Post([&ran] { ran = true; }); });
  workers->Stop();
  EXPECT_TRUE(ran);
}

class RecordingCall final : public LiveCall {
 public:
  void Tick(Clock::Time) override { ++ticks; }
  void EndWith(const Status& status) override { end = status; }
  int ticks = 0;
  Status end;
};

TEST(LiveCallsTest, CallsAreTickedUntilTheyAreGone) {
  LiveCalls calls;
  auto one = std::make_shared<RecordingCall>();
  calls.Add(one);
  calls.Tick({});
  EXPECT_EQ(one->ticks, 1);
  one.reset();
  calls.Tick({});
}

TEST(LiveCallsTest, ClosingEndsThoseThatAreThereAndThoseThatCome) {
  LiveCalls calls;
  const auto early = std::make_shared<RecordingCall>();
  const auto late = std::make_shared<RecordingCall>();
  calls.Add(early);
  calls.Close(absl::UnavailableError("going away"));
  calls.Add(late);
  EXPECT_TRUE(absl::IsUnavailable(early->end));
  EXPECT_TRUE(absl::IsUnavailable(late->end));
}

}  // namespace
}  // namespace fedgap
