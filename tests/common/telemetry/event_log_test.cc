#include "common/telemetry/event_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>
#include <variant>

#include "common/base/file_io.h"
#include "common/telemetry/event_reader.h"
#include "common/telemetry/event_segments.h"
#include "tests/common/telemetry/sample_events.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

class EventLogTest : public ::testing::Test {
 protected:
  std::filesystem::path events() const { return dir_ / "events"; }
  std::filesystem::path segment(int number) const {
    return EventSegmentPath(events(), number);
  }
  std::unique_ptr<EventLog> Open(const EventLog::Options& options = {}) {
    auto log = EventLog::Open(events(), clock_, options);
    EXPECT_OK(log);
    return std::move(log).value();
  }
  std::vector<LoggedEvent> Read() {
    std::vector<LoggedEvent> read;
    EXPECT_OK(ReadEvents(
        events(), [&](const LoggedEvent& event) { read.push_back(event); }));
    return read;
  }
  void Append(int number, std::string_view bytes) {
    std::ofstream(segment(number), std::ios::app | std::ios::binary) << bytes;
  }

  TempDir dir_;
  ManualClock clock_;
};

TEST_F(EventLogTest, WritesEventsInOrderAndReadsThemBack) {
  const auto log = Open();
  for (const Event& event : SampleEvents()) log->Emit(event);
  log->Flush();
  EXPECT_OK(log->status());
  const auto read = Read();
  ASSERT_EQ(read.size(), SampleEvents().size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].header.seq, i + 1);
    EXPECT_EQ(read[i].header.start, 1);
    EXPECT_EQ(read[i].event.index(), SampleEvents()[i].index());
  }
}

TEST_F(EventLogTest, EventsOfARoundCarryItsAttempt) {
  const auto log = Open();
  log->Emit(SampleJoined("a"));
  log->Emit(SampleRoundStarted(1));  // attempt 2
  log->Emit(SampleAccepted(1, "a", 0));
  log->Emit(SampleCommitted(1));
  log->Emit(WarningEvent{"after"});
  log->Flush();
  std::vector<int> attempts;
  for (const auto& event : Read()) attempts.push_back(event.header.attempt);
  EXPECT_EQ(attempts, (std::vector<int>{0, 2, 2, 2, 0}));
}

TEST_F(EventLogTest, RollsSegmentsAndNeverSplitsALine) {
  {
    const auto log = Open({.segment_bytes = 300});
    for (int i = 0; i < 20; ++i) log->Emit(WarningEvent{std::string(50, 'x')});
    log->Emit(WarningEvent{std::string(1000, 'y')});  // longer than a segment
  }
  ASSERT_OK_AND_ASSIGN(const auto segments, ListEventSegments(events()));
  EXPECT_GT(segments.size(), 5u);
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    EXPECT_LE(std::filesystem::file_size(segments[i].path), 300u);
  }
  EXPECT_EQ(Read().size(), 21u);
}

TEST_F(EventLogTest, ContinuesAfterARestart) {
  Open()->Emit(SampleRunStarted());
  const auto log = Open();
  EXPECT_EQ(log->start(), 2);
  log->Emit(WarningEvent{"again"});
  log->Flush();
  const auto read = Read();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].header.seq, 2u);
  EXPECT_EQ(read[1].header.start, 2);
}

TEST_F(EventLogTest, CutsATornLineOffAndSaysSo) {
  Open()->Emit(SampleRunStarted());
  Append(1, "{\"schema\":1,\"seq\":2,\"ty");
  EXPECT_EQ(Read().size(), 1u);  // a reader passes over it
  Open();
  const auto read = Read();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].header.seq, 2u);
  EXPECT_THAT(std::get<WarningEvent>(read[1].event).message,
              HasSubstr("23 bytes of a torn line"));
}

TEST_F(EventLogTest, CutsZerosOffThatAPowerFailureLeft) {
  Open()->Emit(SampleRunStarted());
  Append(1, std::string(100, '\0') + "\n");
  Open()->Emit(WarningEvent{"on"});
  EXPECT_EQ(Read().back().header.seq, 3u);
}

TEST_F(EventLogTest, KeepsAWholeLineOfANewerVersion) {
  Open()->Emit(SampleRunStarted());
  Append(1,
         "{\"schema\":1,\"seq\":2,\"start\":1,\"attempt\":0,"
         "\"time\":\"2026-11-22T19:36:51.042Z\",\"type\":\"new\"}\n");
  Open()->Emit(WarningEvent{"on"});
  const auto read = Read();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].header.seq, 3u);
}

TEST_F(EventLogTest, FindsTheNumberInAnEarlierSegment) {
  Open()->Emit(SampleRunStarted());
  std::ofstream(segment(2)) << "half a li";
  Open()->Emit(WarningEvent{"on"});
  const auto read = Read();
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[2].header.seq, 3u);
  EXPECT_GT(std::filesystem::file_size(segment(1)), 0u);
}

TEST_F(EventLogTest, ReaderNamesABrokenLineInTheMiddle) {
  Open()->Emit(SampleRunStarted());
  Append(1, "garbage\n");
  EXPECT_THAT(ReadEvents(events(), [](const LoggedEvent&) {}),
              Fails(absl::StatusCode::kDataLoss,
                    HasSubstr("events-000001.jsonl line 2")));
}

TEST_F(EventLogTest, NoDirectoryIsAnEmptyLog) {
  EXPECT_TRUE(Read().empty());
  ASSERT_OK_AND_ASSIGN(const Round round, LastCommittedRoundInLog(events()));
  EXPECT_EQ(round, 0);
}

TEST_F(EventLogTest, FindsTheLastCommittedRound) {
  {
    const auto log = Open({.segment_bytes = 2000});
    for (Round round = 1; round <= 3; ++round) {
      log->Emit(SampleCommitted(round));
    }
    log->Emit(ClientLeftEvent{{"\"type\":\"round_committed\""}, ""});
    for (int i = 0; i < 50; ++i) log->Emit(WarningEvent{"later"});
  }
  ASSERT_OK_AND_ASSIGN(const Round round, LastCommittedRoundInLog(events()));
  EXPECT_EQ(round, 3);
}

TEST_F(EventLogTest, DirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(dir_ / "events") << "a file";
  EXPECT_THAT(MessageOf(EventLog::Open(events(), clock_).status()),
              HasSubstr(events().string()));
}

// Writes more than a file may hold; true if the log's status says so.
bool FailsWhenFull(const std::filesystem::path& directory, const Clock& clock) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1000, 1000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  auto log = EventLog::Open(directory, clock);
  if (!log.ok()) return false;
  for (int i = 0; i < 20; ++i) {
    (*log)->Emit(WarningEvent{std::string(100, 'x')});
  }
  (*log)->Flush();
  return !(*log)->status().ok();
}

TEST_F(EventLogTest, AFullDiskShowsInTheStatusAndLeavesWholeLines) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(FailsWhenFull(events(), clock_) ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Read().size(), 4u);
  EXPECT_EQ(ReadFileText(segment(1))->back(), '\n');
}

// As when files or the disk run out at the wrong moment.
TEST_F(EventLogTest, ASegmentThatCannotBeOpenedCostsOnlyTheLinesThatNeedIt) {
  std::vector<Status> told;
  const auto log =
      Open({.segment_bytes = 600, .on_failure = [&told](const Status& status) {
              told.push_back(status);
            }});
  log->Emit(WarningEvent{std::string(200, 'a')});
  std::filesystem::create_directory(segment(2));
  log->Emit(WarningEvent{std::string(200, 'b')});
  log->Emit(WarningEvent{"short"});
  log->Flush();
  EXPECT_THAT(log->status(),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("000002")));
  EXPECT_EQ(told, std::vector<Status>{log->status()});
  std::filesystem::remove(segment(2));
  log->Emit(WarningEvent{std::string(200, 'c')});
  log->Flush();
  std::vector<std::uint64_t> read;
  for (const LoggedEvent& event : Read()) read.push_back(event.header.seq);
  EXPECT_EQ(read, (std::vector<std::uint64_t>{1, 3, 4}));
}

TEST_F(EventLogTest, KeepsNumbersInOrderWithManyThreads) {
  {
    const auto log = Open({.queue_events = 8});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < 100; ++i) log->Emit(WarningEvent{"x"});
        log->Flush();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const auto read = Read();
  ASSERT_EQ(read.size(), 400u);
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].header.seq, i + 1);
  }
}

}  // namespace
}  // namespace fedgap
