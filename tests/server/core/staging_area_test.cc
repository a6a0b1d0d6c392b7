#include "server/core/staging_area.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <numeric>
#include <vector>

#include "common/crypto/xxh3.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

std::vector<float> SomeFloats(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.5F);
  return values;
}

std::span<const std::uint8_t> BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()),
          values.size() * sizeof(float)};
}

StagingArea::Key KeyOf(const std::string& client, const std::string& task,
                       const std::vector<float>& values, Round round = 1) {
  return {{client},
          {task},
          round,
          ToHex(Xxh3Of128(BytesOf(values))),
          std::ssize(values) * 4};
}

// What one Acquire led to.
struct Outcome {
  bool called = false;
  Status status;
  std::unique_ptr<Upload> upload;

  StagingArea::Granted Callback() {
    return [this](StatusOr<std::unique_ptr<Upload>> granted) {
      EXPECT_FALSE(called);
      called = true;
      status = granted.status();
      if (granted.ok()) upload = *std::move(granted);
    };
  }
};

class StagingAreaTest : public testing::Test {
 protected:
  std::unique_ptr<StagingArea> MakeArea(int slots,
                                        std::int64_t memory_bytes = 1 << 20) {
    return StagingArea::Create({.directory = directory_.path(),
                                .slots = slots,
                                .memory_bytes = memory_bytes,
                                .resume_window = std::chrono::seconds(60)},
                               clock_)
        .value();
  }

  // A whole update, taken.
  std::shared_ptr<const VectorSource> Stage(StagingArea& area,
                                            const StagingArea::Key& key,
                                            const std::vector<float>& values) {
    Outcome outcome;
    area.Acquire(key, outcome.Callback());
    EXPECT_TRUE(outcome.called);
    EXPECT_OK(outcome.upload->Append(BytesOf(values)));
    return outcome.upload->Take().value();
  }

  TempDir directory_;
  ManualClock clock_;
  const std::vector<float> values_ = SomeFloats(1000);
};

TEST_F(StagingAreaTest, AnUpdateComesOutAsItWentIn) {
  // In memory, and in a file.
  for (const std::int64_t memory_bytes : {4000, 3999}) {
    const auto area = MakeArea(2, memory_bytes);
    Outcome outcome;
    area->Acquire(KeyOf("alice", "t1", values_), outcome.Callback());
    ASSERT_TRUE(outcome.called);
    EXPECT_EQ(outcome.upload->offset(), 0);
    EXPECT_EQ(outcome.upload->total_bytes(), 4000);
    const auto bytes = BytesOf(values_);
    ASSERT_OK(outcome.upload->Append(bytes.first(1001)));
    ASSERT_OK(outcome.upload->Append(bytes.subspan(1001)));
    ASSERT_OK_AND_ASSIGN(const auto vector, outcome.upload->Take());

    EXPECT_EQ(vector->elements(), 1000);
    EXPECT_EQ(vector->InMemory().empty(), memory_bytes < 4000);
    std::vector<float> read(100);
    ASSERT_OK(vector->Read(900, read));
    EXPECT_TRUE(std::equal(read.begin(), read.end(), values_.begin() + 900));
    if (memory_bytes >= 4000) {
      EXPECT_TRUE(std::ranges::equal(vector->InMemory(), values_));
    }
  }
}

TEST_F(StagingAreaTest, BytesMayComeInManyPieces) {
  const auto bytes = BytesOf(values_);
  for (const std::int64_t memory_bytes : {4000, 0}) {
    // More than one pwritev(2) takes.
    for (const std::size_t length : {1, 3, 1500}) {
      const auto area = MakeArea(1, memory_bytes);
      Outcome outcome;
      area->Acquire(KeyOf("alice", "t1", values_), outcome.Callback());
      ASSERT_OK(outcome.upload->Append(bytes.first(5)));
      BytePieces pieces;
      for (std::size_t at = 5; at < bytes.size(); at += length) {
        pieces.Add(bytes.subspan(at, std::min(length, bytes.size() - at)));
      }
      ASSERT_OK(outcome.upload->Append(pieces));
      ASSERT_OK_AND_ASSIGN(const auto vector, outcome.upload->Take());
      std::vector<float> read(values_.size());
      ASSERT_OK(vector->Read(0, read));
      EXPECT_EQ(read, values_);
    }
  }
}

TEST_F(StagingAreaTest, FilesHaveNoName) {
  const auto area = MakeArea(1, 0);
  const auto vector = Stage(*area, KeyOf("alice", "t1", values_), values_);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(StagingAreaTest, ASlotIsFreeWhenItsVectorIsDropped) {
  const auto area = MakeArea(1);
  auto vector = Stage(*area, KeyOf("alice", "t1", values_), values_);
  EXPECT_EQ(area->usage().slots, 1);
  Outcome bob;
  Outcome carol;
  area->Acquire(KeyOf("bob", "t2", values_), bob.Callback());
  area->Acquire(KeyOf("carol", "t3", values_), carol.Callback());
  EXPECT_FALSE(bob.called);
  EXPECT_EQ(area->usage().waiting, 2);

  vector.reset();
  EXPECT_TRUE(bob.called);  // first come, first served
  EXPECT_FALSE(carol.called);
  ASSERT_OK(bob.upload->Append(BytesOf(values_)));
  bob.upload->Take().value().reset();
  bob.upload.reset();
  EXPECT_TRUE(carol.called);
  carol.upload.reset();
  area->EndTasks({"carol"}, 1, {});
  EXPECT_EQ(area->usage().slots, 0);
}

TEST_F(StagingAreaTest, ABrokenTransferGoesOnWhereItStopped) {
  const auto area = MakeArea(1);
  const auto key = KeyOf("alice", "t1", values_);
  const auto bytes = BytesOf(values_);
  Outcome first;
  area->Acquire(key, first.Callback());
  ASSERT_OK(first.upload->Append(bytes.first(1500)));
  first.upload.reset();  // the connection is cut

  Outcome second;
  area->Acquire(key, second.Callback());
  ASSERT_TRUE(second.called);
  EXPECT_EQ(second.upload->offset(), 1500);
  ASSERT_OK(second.upload->Append(bytes.subspan(1500)));
  EXPECT_OK(second.upload->Take());
}

TEST_F(StagingAreaTest, ANewConnectionTakesOverFromOneThatHangs) {
  const auto area = MakeArea(1);
  const auto key = KeyOf("alice", "t1", values_);
  Outcome hanging;
  area->Acquire(key, hanging.Callback());
  ASSERT_OK(hanging.upload->Append(BytesOf(values_).first(8)));
  Outcome fresh;
  area->Acquire(key, fresh.Callback());
  ASSERT_TRUE(fresh.called);
  EXPECT_THAT(hanging.upload->Append(BytesOf(values_).first(8)),
              Fails(StatusCode::kAborted, HasSubstr("took over")));
  EXPECT_EQ(fresh.upload->offset(), 8);
  hanging.upload.reset();  // leaves the slot to its new owner
  clock_.Advance(std::chrono::hours(1));
  area->Expire();
  EXPECT_OK(fresh.upload->Append(BytesOf(values_).subspan(8)));
  EXPECT_OK(fresh.upload->Take());
}

TEST_F(StagingAreaTest, AnotherUpdateOfTheClientTakesTheSlot) {
  const auto area = MakeArea(1);
  Outcome first;
  area->Acquire(KeyOf("alice", "t1", values_), first.Callback());
  ASSERT_OK(first.upload->Append(BytesOf(values_).first(8)));
  first.upload.reset();
  const std::vector<float> other = SomeFloats(10);
  Outcome second;
  area->Acquire(KeyOf("alice", "t1", other), second.Callback());
  ASSERT_TRUE(second.called);
  EXPECT_EQ(second.upload->offset(), 0);
  EXPECT_EQ(area->usage().slots, 1);
}

TEST_F(StagingAreaTest, AClientHasOnePlaceInTheLine) {
  const auto area = MakeArea(1);
  // They outlive the slot: its end gives the place to the second.
  Outcome first;
  Outcome second;
  const auto vector = Stage(*area, KeyOf("alice", "t1", values_), values_);
  area->Acquire(KeyOf("bob", "t1", values_), first.Callback());
  area->Acquire(KeyOf("bob", "t1", values_), second.Callback());
  EXPECT_THAT(first.status, HasCode(StatusCode::kAborted));
  EXPECT_FALSE(second.called);
  EXPECT_EQ(area->usage().waiting, 1);
}

TEST_F(StagingAreaTest, WhoWithdrawsIsNotCalled) {
  const auto area = MakeArea(1);
  auto vector = Stage(*area, KeyOf("alice", "t1", values_), values_);
  Outcome bob;
  const auto ticket =
      area->Acquire(KeyOf("bob", "t1", values_), bob.Callback());
  area->Withdraw(ticket);
  vector.reset();
  EXPECT_FALSE(bob.called);
  EXPECT_EQ(area->usage().slots, 0);
}

TEST_F(StagingAreaTest, WrongBytesAreThrownAway) {
  const auto area = MakeArea(1);
  auto key = KeyOf("alice", "t1", values_);
  key.digest.back() = key.digest.back() == '0' ? '1' : '0';
  Outcome outcome;
  area->Acquire(key, outcome.Callback());
  ASSERT_OK(outcome.upload->Append(BytesOf(values_)));
  EXPECT_THAT(outcome.upload->Take(),
              Fails(StatusCode::kDataLoss, HasSubstr("digest")));
  outcome.upload.reset();
  EXPECT_EQ(area->usage().slots, 0);
}

TEST_F(StagingAreaTest, MoreBytesThanAnnouncedAreRefused) {
  const auto area = MakeArea(1);
  Outcome outcome;
  area->Acquire(KeyOf("alice", "t1", SomeFloats(2)), outcome.Callback());
  EXPECT_THAT(outcome.upload->Append(BytesOf(SomeFloats(3))),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(outcome.upload->offset(), 0);
}

TEST_F(StagingAreaTest, ATaskThatEndsTakesItsUploadsAlong) {
  const auto area = MakeArea(1);
  Outcome live;
  area->Acquire(KeyOf("alice", "t1", values_), live.Callback());
  Outcome waiting;
  area->Acquire(KeyOf("bob", "t2", values_), waiting.Callback());

  // Notices of earlier rounds and the task itself change nothing.
  area->EndTasks({"alice"}, 0, {});
  area->EndTasks({"alice"}, 1, {"t1"});
  area->EndTasks({"bob"}, 1, {"t2"});
  EXPECT_OK(live.upload->Append(BytesOf(values_).first(8)));

  area->EndTasks({"bob"}, 1, {"t3"});
  EXPECT_THAT(waiting.status, HasCode(StatusCode::kFailedPrecondition));
  area->EndTasks({"alice"}, 1, {});
  EXPECT_THAT(live.upload->Append(BytesOf(values_).subspan(8)),
              Fails(StatusCode::kFailedPrecondition, HasSubstr("too late")));
  live.upload.reset();
  EXPECT_EQ(area->usage().slots, 0);
}

TEST_F(StagingAreaTest, WhatNobodyResumesIsThrownAway) {
  const auto area = MakeArea(1);
  Outcome outcome;
  area->Acquire(KeyOf("alice", "t1", values_), outcome.Callback());
  outcome.upload.reset();
  clock_.Advance(std::chrono::seconds(60));
  area->Expire();
  EXPECT_EQ(area->usage().slots, 1);
  clock_.Advance(std::chrono::seconds(1));
  area->Expire();
  EXPECT_EQ(area->usage().slots, 0);
}

TEST_F(StagingAreaTest, WhatIsForTasksThatAreOverIsThrownAway) {
  const auto area = MakeArea(1);
  Outcome live;
  area->Acquire(KeyOf("alice", "t1", values_), live.Callback());
  Outcome waiting;
  area->Acquire(KeyOf("bob", "t2", values_), waiting.Callback());
  Outcome next;
  area->Acquire(KeyOf("carol", "t3", values_), next.Callback());

  area->EndTasks([](const ClientName&, const TaskId&) { return false; });
  EXPECT_OK(live.upload->Check());
  EXPECT_FALSE(waiting.called);

  area->EndTasks([](const ClientName& client, const TaskId& task) {
    return task == TaskId{"t1"} || client == ClientName{"bob"};
  });
  EXPECT_THAT(live.upload->Check(), HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(waiting.status, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_FALSE(next.called);
  live.upload.reset();
  EXPECT_TRUE(next.called);
  EXPECT_OK(next.upload->Check());
}

TEST_F(StagingAreaTest, WhoIsSlowLosesTheSlotToWhoWaits) {
  // 1000 of 4000 bytes at once: good for ten more seconds after the grace.
  const StagingArea::Options options{.directory = directory_.path(),
                                     .slots = 1,
                                     .min_bytes_per_second = 100,
                                     .grace = std::chrono::seconds(10)};
  const auto area = StagingArea::Create(options, clock_).value();
  Outcome slow;
  const auto key = KeyOf("alice", "t1", values_);
  area->Acquire(key, slow.Callback());
  ASSERT_OK(slow.upload->Append(BytesOf(values_).first(1000)));
  clock_.Advance(std::chrono::hours(1));
  area->Expire();
  EXPECT_OK(slow.upload->Check()) << "nobody waits";

  Outcome waiting;
  area->Acquire(KeyOf("bob", "t2", values_), waiting.Callback());
  area->Expire();
  EXPECT_THAT(slow.upload->Check(),
              Fails(StatusCode::kUnavailable, HasSubstr("slower than 100")));
  slow.upload.reset();
  ASSERT_TRUE(waiting.called);

  // A slot is as old as it is, whoever carries it, or nobody.
  Outcome again;
  area->Acquire(key, again.Callback());
  ASSERT_OK(waiting.upload->Append(BytesOf(values_).first(1000)));
  clock_.Advance(std::chrono::seconds(20));
  waiting.upload.reset();
  area->Expire();
  EXPECT_FALSE(again.called);
  clock_.Advance(std::chrono::milliseconds(1));
  area->Expire();
  EXPECT_TRUE(again.called);
}

TEST_F(StagingAreaTest, NoMoreSlotsAreTakenBackThanAreWaitedFor) {
  const auto area = MakeArea(2);
  Outcome alice;
  Outcome bob;
  Outcome waiting;
  area->Acquire(KeyOf("alice", "t1", values_), alice.Callback());
  area->Acquire(KeyOf("bob", "t2", values_), bob.Callback());
  area->Acquire(KeyOf("carol", "t3", values_), waiting.Callback());
  clock_.Advance(std::chrono::seconds(11));
  area->Expire();
  EXPECT_FALSE(alice.upload->Check().ok());
  EXPECT_OK(bob.upload->Check());
  alice.upload.reset();
  EXPECT_OK(waiting.upload->Check());
}

TEST_F(StagingAreaTest, VectorsOutliveTheArea) {
  auto area = MakeArea(1);
  const auto vector = Stage(*area, KeyOf("alice", "t1", values_), values_);
  Outcome waiting;
  area->Acquire(KeyOf("bob", "t1", values_), waiting.Callback());
  area.reset();
  std::vector<float> read(1000);
  EXPECT_OK(vector->Read(0, read));
  EXPECT_EQ(read, values_);
  EXPECT_FALSE(waiting.called);
}

TEST_F(StagingAreaTest, AnUpdateThatCannotBeStoredIsWantedLater) {
  std::vector<std::string> warnings;
  const auto area =
      StagingArea::Create({.directory = directory_.path(),
                           .memory_bytes = 0,
                           .on_warning =
                               [&warnings](const std::string& line) {
                                 warnings.push_back(line);
                               }},
                          clock_)
          .value();
  std::filesystem::remove(directory_.path());
  const auto acquire = [&] {
    Outcome outcome;
    area->Acquire(KeyOf("alice", "t1", values_), outcome.Callback());
    return outcome.status;
  };
  EXPECT_THAT(acquire(), Fails(StatusCode::kUnavailable, HasSubstr("later")));
  EXPECT_THAT(acquire(), HasCode(StatusCode::kUnavailable));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr(directory_.path().string()));
  clock_.Advance(std::chrono::minutes(1));
  EXPECT_THAT(acquire(), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(warnings.size(), 2U);
  std::filesystem::create_directory(directory_.path());
  EXPECT_OK(acquire());
}

// The disk is full while files may have no more than 1000 bytes.
bool AFullDiskKeepsWhatHasArrived(const std::filesystem::path& directory,
                                  const std::vector<float>& values) {
  ManualClock clock;
  const auto area =
      StagingArea::Create({.directory = directory, .memory_bytes = 0}, clock)
          .value();
  Outcome outcome;
  area->Acquire(KeyOf("alice", "t1", values), outcome.Callback());
  const auto bytes = BytesOf(values);
  if (!outcome.upload->Append(bytes.first(1000)).ok()) return false;
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{1000, RLIM_INFINITY};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const Status full = outcome.upload->Append(bytes.subspan(1000));
  limit.rlim_cur = RLIM_INFINITY;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  return absl::IsUnavailable(full) && outcome.upload->offset() == 1000 &&
         outcome.upload->Append(bytes.subspan(1000)).ok() &&
         outcome.upload->Take().ok();
}

TEST_F(StagingAreaTest, AFullDiskLosesNothing) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::_exit(AFullDiskKeepsWhatHasArrived(directory_.path(), values_) ? 0 : 1);
  }
  int end = 0;
  ASSERT_EQ(::waitpid(child, &end, 0), child);
  EXPECT_TRUE(WIFEXITED(end) && WEXITSTATUS(end) == 0) << end;
}

TEST_F(StagingAreaTest, ADirectoryThatCannotHoldFilesIsAnError) {
  EXPECT_THAT(
      StagingArea::Create({.directory = directory_ / "missing"}, clock_),
      Fails(StatusCode::kNotFound, HasSubstr("missing")));
  EXPECT_THAT(
      StagingArea::Create({.directory = directory_.path(), .slots = 0}, clock_),
      Fails(StatusCode::kInvalidArgument, HasSubstr("upload_slots is 0")));
}

}  // namespace
}  // namespace fedgap
