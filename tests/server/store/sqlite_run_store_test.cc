#include "server/store/sqlite_run_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "common/base/file_io.h"
#include "common/federation/model_file.h"
#include "common/telemetry/event_log.h"
#include "server/store/run_inspection.h"
#include "tests/server/store/sample_run.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recorded_syncs.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Pair;
using ::testing::Property;
using ::testing::StartsWith;

class SqliteRunStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteRunStore> Open(SqliteRunStore::Options options = {}) {
    auto store = SqliteRunStore::Open(run_dir_.root, options);
    EXPECT_OK(store);
    return std::move(store).value();
  }
  // Creates a run of so many rounds and closes it.
  void MakeRun(Round rounds, SqliteRunStore::Options options = {}) {
    const auto store = Open(options);
    ASSERT_OK(run_.Create(*store));
    for (Round round = 1; round <= rounds; ++round) {
      ASSERT_OK(run_.Commit(*store, round));
    }
  }
  RestoredRun Restore(SqliteRunStore& store) {
    auto restored = store.Restore();
    EXPECT_OK(restored);
    EXPECT_TRUE(restored->has_value());
    return std::move(**restored);
  }
  std::filesystem::path File(const char* kind, Round round) const {
    return run_dir_.round_file(kind, round);
  }
  void FlipBit(const std::filesystem::path& path) {
    auto bytes = ReadFileBytes(path).value();
    bytes[bytes.size() / 2] ^= 4;
    ASSERT_OK(WriteFileAtomic(path, bytes));
  }

  TempDir dir_;
  RunDirectory run_dir_{dir_ / "run"};
  SampleRun run_;
};

TEST_F(SqliteRunStoreTest, ANewDirectoryHoldsNothing) {
  ASSERT_OK_AND_ASSIGN(const auto restored, Open()->Restore());
  EXPECT_FALSE(restored.has_value());
}

TEST_F(SqliteRunStoreTest, TheNamesOfItsDirectoriesAreOnDisk) {
  run_dir_ = RunDirectory{dir_ / "new/run"};
  Open();
  EXPECT_THAT(RecordedSyncs(),
              IsSupersetOf({dir_.path(), dir_ / "new", dir_ / "new/run"}));
}

TEST_F(SqliteRunStoreTest, ACommitsFilesAndTheirNamesAreOnDisk) {
  const auto store = Open();
  ASSERT_OK(run_.Create(*store));
  const std::size_t before = RecordedSyncs().size();
  ASSERT_OK(run_.Commit(*store, 1));
  auto synced = RecordedSyncs();
  synced.erase(synced.begin(),
               synced.begin() + static_cast<std::ptrdiff_t>(before));
  for (const char* kind : {"models", "state", "pooled"}) {
    // Under the name that it was written by.
    EXPECT_THAT(synced, Contains(Property(&std::filesystem::path::native,
                                          StartsWith(File(kind, 1).native()))));
    EXPECT_THAT(synced, Contains(run_dir_.root / kind));
  }
}

TEST_F(SqliteRunStoreTest, RestoresACommitToTheLastBit) {
  MakeRun(2);
  const auto store = Open();
  const RestoredRun restored = Restore(*store);
  const Parameters parameters = run_.ParametersAfter(2);
  const RoundCommit commit = run_.CommitOf(2, parameters);
  EXPECT_EQ(restored.round, 2);
  EXPECT_EQ(restored.model, commit.model);
  ASSERT_EQ(restored.parameters.size(), parameters.size());
  EXPECT_EQ(std::memcmp(restored.parameters.data(), parameters.data(),
                        parameters.size() * sizeof(float)),
            0);
  EXPECT_EQ(restored.parameters_before, run_.ParametersAfter(1));
  EXPECT_EQ(restored.optimizer, commit.optimizer);
  EXPECT_EQ(restored.prototypes.means, commit.prototypes.means);
  EXPECT_EQ(restored.prototypes.held, commit.prototypes.held);
  ASSERT_EQ(restored.ledger.size(), 2u);
  EXPECT_EQ(restored.ledger[1].client.value, "b");
  EXPECT_EQ(restored.ledger[1].task.value, "task-b");
  EXPECT_EQ(restored.ledger[1].digest, "bb");
  EXPECT_EQ(restored.stale_evaluations, 2);
  EXPECT_EQ(restored.best_accuracy_millionths, 2000);
  EXPECT_EQ(restored.stop_reason, "rule 2");
  EXPECT_DOUBLE_EQ(restored.seconds, 3.0);
  EXPECT_FALSE(restored.finished);
  EXPECT_EQ(restored.record.run.value, "demo-0123456789abcdef");
  EXPECT_EQ(restored.record.config_toml, run_.Record().config_toml);
  EXPECT_EQ(restored.record.model_json, run_.Record().model_json);
  EXPECT_EQ(restored.record.class_names, run_.Record().class_names);
}

TEST_F(SqliteRunStoreTest, RestoresRoundZeroAndGoesOn) {
  MakeRun(0);
  const auto store = Open();
  const RestoredRun restored = Restore(*store);
  EXPECT_EQ(restored.round, 0);
  EXPECT_TRUE(restored.parameters_before.empty());
  EXPECT_TRUE(restored.prototypes.empty());
  EXPECT_OK(run_.Commit(*store, 1));
}

TEST_F(SqliteRunStoreTest, ModelsWithoutTheirDatabaseAreNoOrphans) {
  MakeRun(3);
  for (const auto& entry : std::filesystem::directory_iterator(run_dir_.root)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("state.db")) std::filesystem::remove(entry.path());
  }
  // The second time there is an empty database.
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(SqliteRunStore::Open(run_dir_.root).status(),
                Fails(absl::StatusCode::kFailedPrecondition,
                      AllOf(HasSubstr("put the run's own state.db back"),
                            HasSubstr(File("models", 3).string()))));
  }
  EXPECT_TRUE(std::filesystem::exists(File("models", 1)));
}

TEST_F(SqliteRunStoreTest, KeepsPooledVectorsPerRound) {
  MakeRun(5);
  for (Round round = 1; round <= 5; ++round) {
    ASSERT_OK_AND_ASSIGN(auto bytes, ReadFileBytes(File("pooled", round)));
    ASSERT_OK_AND_ASSIGN(const auto pooled, ParsePooled(std::move(bytes)));
    ASSERT_EQ(pooled.size(), 2u);
    EXPECT_EQ(pooled[0].client.value, "a");
    const float value = static_cast<float>(round) * 1e-3f;
    EXPECT_EQ(pooled[0].pooled, SampleRun::Pooled(0, value));
    EXPECT_EQ(pooled[1].pooled, SampleRun::Pooled(1, 2 * value));
  }
}

TEST_F(SqliteRunStoreTest, StoredModelsNeedNothingElse) {
  MakeRun(1);
  ASSERT_OK_AND_ASSIGN(const ModelFile file, ReadModelFile(File("models", 1)));
  EXPECT_EQ(file.parameters, run_.ParametersAfter(1));
  EXPECT_EQ(file.origin.round, 1);
  EXPECT_THAT(file.origin.class_names, ElementsAre("shirt", "shoe"));
}

TEST_F(SqliteRunStoreTest, WritesConfigAndModelForPeople) {
  MakeRun(0);
  EXPECT_EQ(*ReadFileText(run_dir_.config()), run_.Record().config_toml);
  EXPECT_EQ(*ReadFileText(run_dir_.model_json()), run_.Record().model_json);
}

TEST_F(SqliteRunStoreTest, AFinishedRunHasItsLastModelAtTheTop) {
  MakeRun(2);
  {
    const auto store = Open();
    Restore(*store);
    ASSERT_OK(store->MarkFinished("completed", 12.5));
  }
  const RestoredRun restored = Restore(*Open());
  EXPECT_TRUE(restored.finished);
  EXPECT_DOUBLE_EQ(restored.seconds, 12.5);
  ASSERT_OK_AND_ASSIGN(const ModelFile file,
                       ReadModelFile(run_dir_.final_model()));
  EXPECT_EQ(file.origin.round, 2);
}

TEST_F(SqliteRunStoreTest, FilesWithoutARowAreAsIfTheyWereNot) {
  MakeRun(1);
  // What a kill between the files and the transaction leaves.
  for (const char* kind : {"models", "state", "pooled"}) {
    std::filesystem::copy_file(File(kind, 1), File(kind, 2));
  }
  std::ofstream(File("models", 3).string() + ".tmp77") << "half";
  const auto store = Open();
  EXPECT_EQ(Restore(*store).round, 1);
  EXPECT_FALSE(std::filesystem::exists(File("models", 2)));
  EXPECT_FALSE(std::filesystem::exists(File("models", 3).string() + ".tmp77"));
  EXPECT_OK(run_.Commit(*store, 2));
}

TEST_F(SqliteRunStoreTest, FallsBackOverAFlippedBitAndNamesTheFile) {
  for (const char* kind : {"models", "state"}) {
    TempDir dir;
    run_dir_.root = dir / "run";
    MakeRun(3);
    FlipBit(File(kind, 3));
    const auto store = Open();
    EXPECT_EQ(Restore(*store).round, 2);
    EXPECT_THAT(store->warnings(),
                ElementsAre(AllOf(HasSubstr("round 3"),
                                  HasSubstr(File(kind, 3).string()))));
    // The round is run again in place of the damaged one.
    EXPECT_OK(run_.Commit(*store, 3));
    EXPECT_EQ(Restore(*store).round, 3);
  }
}

TEST_F(SqliteRunStoreTest, FallsBackOverTornAndMissingFiles) {
  MakeRun(3);
  std::filesystem::resize_file(File("models", 3), 100);
  std::filesystem::remove(File("state", 2));
  const auto store = Open();
  EXPECT_EQ(Restore(*store).round, 1);
  EXPECT_EQ(store->warnings().size(), 2u);
}

// It is only compared with.
TEST_F(SqliteRunStoreTest, ADamagedModelBeforeTheLastOneIsAWarning) {
  MakeRun(3);
  FlipBit(File("models", 2));
  const auto store = Open();
  const RestoredRun restored = Restore(*store);
  EXPECT_EQ(restored.round, 3);
  EXPECT_TRUE(restored.parameters_before.empty());
  EXPECT_THAT(store->warnings(),
              ElementsAre(AllOf(HasSubstr("round 2 is not whole"),
                                HasSubstr(File("models", 2).string()))));
  EXPECT_OK(run_.Commit(*store, 4));
}

TEST_F(SqliteRunStoreTest, DamageToEveryRoundIsDataLoss) {
  MakeRun(1);
  FlipBit(File("models", 0));
  FlipBit(File("models", 1));
  EXPECT_THAT(Open()->Restore().status(),
              Fails(absl::StatusCode::kDataLoss,
                    AllOf(HasSubstr(File("models", 0).string()),
                          HasSubstr(File("models", 1).string()))));
}

TEST_F(SqliteRunStoreTest, ADamagedDatabaseIsNamed) {
  MakeRun(1);
  ASSERT_OK(WriteFileAtomic(run_dir_.database(), std::string(4096, 'x')));
  EXPECT_THAT(
      SqliteRunStore::Open(run_dir_.root).status(),
      Fails(absl::StatusCode::kDataLoss,
            AllOf(HasSubstr("state.db: file is not a database"),
                  HasSubstr("from a backup"), HasSubstr("model.init_from"))));
}

TEST_F(SqliteRunStoreTest, RefusesASecondOpenerByName) {
  const auto store = Open();
  EXPECT_THAT(SqliteRunStore::Open(run_dir_.root).status(),
              Fails(absl::StatusCode::kFailedPrecondition,
                    HasSubstr("process " + std::to_string(::getpid()))));
}

TEST_F(SqliteRunStoreTest, BringsTheFirstSchemaUpToDate) {
  MakeRun(2);
  {
    ASSERT_OK_AND_ASSIGN(
        auto database,
        SqliteDatabase::Open(run_dir_.database(), SqliteAccess::kReadWrite));
    ASSERT_OK(database.Execute("DROP INDEX files_by_kind"));
    ASSERT_OK(database.Execute("DROP INDEX rounds_by_accuracy"));
    ASSERT_OK(database.Execute("ALTER TABLE rounds DROP COLUMN stop_reason"));
    ASSERT_OK(database.Execute("PRAGMA user_version = 1"));
  }
  const auto store = Open();
  EXPECT_EQ(Restore(*store).stop_reason, "");
  EXPECT_OK(run_.Commit(*store, 3));
}

TEST_F(SqliteRunStoreTest, TheSchemaBeforeIsReadAsItIs) {
  MakeRun(2);
  const auto set_version = [this](int version) {
    ASSERT_OK_AND_ASSIGN(
        auto database,
        SqliteDatabase::Open(run_dir_.database(), SqliteAccess::kReadWrite));
    ASSERT_OK(
        database.Execute(fmt::format("PRAGMA user_version = {}", version)));
  };
  set_version(3);
  ASSERT_OK_AND_ASSIGN(auto read, RunDatabase::Open(run_dir_.database(),
                                                    /*read_only=*/true));
  EXPECT_OK(read.ReadRounds());
  set_version(2);
  EXPECT_THAT(
      RunDatabase::Open(run_dir_.database(), /*read_only=*/true).status(),
      Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("older than 3")));
  set_version(3);
  EXPECT_EQ(Restore(*Open()).round, 2);
}

TEST_F(SqliteRunStoreTest, KnowsTheLastRoundThatCountedEachClient) {
  MakeRun(2);
  {
    const auto store = Open();
    Restore(*store);
    const Parameters parameters = run_.ParametersAfter(3);
    RoundCommit commit = run_.CommitOf(3, parameters);
    commit.ledger.pop_back();
    ASSERT_OK(store->Commit(commit));
    EXPECT_THAT(
        *store->LastContributions(),
        ElementsAre(Pair(ClientName{"a"}, 3), Pair(ClientName{"b"}, 2)));
  }
  // What a fall-back runs again has not been counted.
  FlipBit(File("models", 3));
  const auto store = Open();
  Restore(*store);
  EXPECT_THAT(*store->LastContributions(),
              ElementsAre(Pair(ClientName{"a"}, 2), Pair(ClientName{"b"}, 2)));
}

TEST_F(SqliteRunStoreTest, RefusesASchemaOfTheFuture) {
  MakeRun(0);
  {
    ASSERT_OK_AND_ASSIGN(
        auto database,
        SqliteDatabase::Open(run_dir_.database(), SqliteAccess::kReadWrite));
    ASSERT_OK(database.Execute("PRAGMA user_version = 99"));
  }
  EXPECT_THAT(
      SqliteRunStore::Open(run_dir_.root).status(),
      Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("schema 99")));
}

TEST_F(SqliteRunStoreTest, RefusesASecondRunAndARoundOutOfTurn) {
  MakeRun(1);
  const auto store = Open();
  EXPECT_THAT(run_.Create(*store), Fails(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("demo-0123456789abcdef")));
  Restore(*store);
  EXPECT_THAT(run_.Commit(*store, 3),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(run_.Commit(*store, 1),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SqliteRunStoreTest, KeepsEveryModelButOnlyTheLastStates) {
  MakeRun(6);
  for (Round round = 0; round <= 6; ++round) {
    EXPECT_TRUE(std::filesystem::exists(File("models", round)));
    EXPECT_EQ(std::filesystem::exists(File("state", round)), round >= 4);
  }
}

TEST_F(SqliteRunStoreTest, KeepsTheBestModelBesideTheLast) {
  const auto store = Open({.keep_models = 2, .keep_states = 1});
  ASSERT_OK(run_.Create(*store));
  ASSERT_OK(run_.Commit(*store, 1, 0.5));
  ASSERT_OK(run_.Commit(*store, 2, 0.8));
  for (Round round = 3; round <= 6; ++round) {
    ASSERT_OK(run_.Commit(*store, round, 0.7));
  }
  std::vector<Round> kept;
  for (Round round = 0; round <= 6; ++round) {
    if (std::filesystem::exists(File("models", round))) kept.push_back(round);
  }
  EXPECT_THAT(kept, ElementsAre(2, 5, 6));
  std::vector<Round> pooled;
  for (Round round = 1; round <= 6; ++round) {
    if (std::filesystem::exists(File("pooled", round))) pooled.push_back(round);
  }
  EXPECT_THAT(pooled, ElementsAre(5, 6));
  EXPECT_TRUE(store->warnings().empty());
}

TEST_F(SqliteRunStoreTest, KeepsTheModelBeforeEveryStateThatItKeeps) {
  {
    const auto store = Open({.keep_models = 1});
    ASSERT_OK(run_.Create(*store));
    for (Round round = 1; round <= 6; ++round) {
      ASSERT_OK(run_.Commit(*store, round));
    }
  }
  for (Round round = 0; round <= 6; ++round) {
    EXPECT_EQ(std::filesystem::exists(File("models", round)), round >= 3);
  }
  FlipBit(File("state", 6));
  FlipBit(File("state", 5));
  const RestoredRun restored = Restore(*Open());
  EXPECT_EQ(restored.round, 4);
  EXPECT_EQ(restored.parameters_before, run_.ParametersAfter(3));
}

// Steps of SQLite's virtual machine, of every connection opened while one of
// these lives.
class SqliteSteps {
 public:
  SqliteSteps() {
    steps_ = 0;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&Watch));
  }
  ~SqliteSteps() { sqlite3_reset_auto_extension(); }
  SqliteSteps(const SqliteSteps&) = delete;
  SqliteSteps& operator=(const SqliteSteps&) = delete;

  static std::int64_t steps() { return steps_; }

 private:
  static int Watch(sqlite3* database, const char**,
                   const sqlite3_api_routines*) {
    const auto count = [](void*) { return static_cast<int>(++steps_ < 0); };
    sqlite3_progress_handler(database, 1, count, nullptr);
    return SQLITE_OK;
  }
  static inline std::int64_t steps_ = 0;
};

TEST_F(SqliteRunStoreTest, ACommitCostsNoMoreAfterManyRounds) {
  for (const int keep_models : {0, 2}) {
    SCOPED_TRACE(keep_models);
    const SqliteSteps watched;
    run_dir_ = RunDirectory{dir_ / fmt::format("run-{}", keep_models)};
    const auto store = Open({.keep_models = keep_models, .keep_states = 1});
    ASSERT_OK(run_.Create(*store));
    std::vector<std::int64_t> steps;
    for (Round round = 1; round <= 120; ++round) {
      const std::int64_t before = watched.steps();
      ASSERT_OK(run_.Commit(*store, round, 0.5));
      steps.push_back(watched.steps() - before);
    }
    EXPECT_GT(steps[19], 0);
    EXPECT_LE(steps[119], steps[19] + steps[19] / 10);
  }
}

// A commit that meets a limit on file sizes, in a process of its own; true if
// it fails and the state is the one before.
bool CommitFailsCleanly(const std::filesystem::path& root,
                        const SampleRun& run) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto store = SqliteRunStore::Open(root);
  if (!store.ok() || !(*store)->Restore().ok()) return false;
  const rlimit limit{2000, 2000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  if (run.Commit(**store, 2).ok()) return false;
  const auto restored = (*store)->Restore();
  return restored.ok() && (*restored)->round == 1;
}

TEST_F(SqliteRunStoreTest, AFullDiskLeavesTheLastCommit) {
  MakeRun(1);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(CommitFailsCleanly(run_dir_.root, run_) ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const auto store = Open();
  EXPECT_EQ(Restore(*store).round, 1);
  EXPECT_OK(run_.Commit(*store, 2));
}

TEST_F(SqliteRunStoreTest, AFileInPlaceOfADirectoryIsNamed) {
  std::ofstream(run_dir_.root) << "a file";
  EXPECT_THAT(MessageOf(SqliteRunStore::Open(run_dir_.root).status()),
              HasSubstr(run_dir_.root.string()));
}

TEST_F(SqliteRunStoreTest, AReadOnlyDirectoryIsRefused) {
  using std::filesystem::perms;
  std::filesystem::permissions(dir_.path(), static_cast<perms>(0755));
  std::filesystem::create_directory(run_dir_.root);
  std::filesystem::permissions(run_dir_.root, static_cast<perms>(0555));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Root writes anywhere; 65534 is nobody.
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
    const Status status = SqliteRunStore::Open(run_dir_.root).status();
    ::_exit(status.code() == absl::StatusCode::kPermissionDenied ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SqliteRunStoreTest, EmitsTheCommitsThatTheEventLogLost) {
  MakeRun(3);
  const auto store = Open();
  Restore(*store);
  {
    ManualClock clock;
    ASSERT_OK_AND_ASSIGN(const auto log,
                         EventLog::Open(run_dir_.events(), clock));
    ASSERT_OK_AND_ASSIGN(const auto events, store->CommittedAfter(0));
    log->Emit(events[0]);
  }
  RecordingEventSink sink;
  ASSERT_OK(EmitMissingCommits(*store, sink));
  const auto emitted = sink.Of<RoundCommittedEvent>();
  ASSERT_EQ(emitted.size(), 2u);
  EXPECT_EQ(emitted[0].round, 2);
  EXPECT_EQ(emitted[1].round, 3);
  const Parameters parameters = run_.ParametersAfter(3);
  EXPECT_EQ(emitted[1].model, run_.CommitOf(3, parameters).model);
}

TEST_F(SqliteRunStoreTest, InspectionShowsRoundsAndDamage) {
  MakeRun(2);
  FlipBit(File("pooled", 1));
  ASSERT_OK_AND_ASSIGN(const RunInspection run, InspectRun(run_dir_.root));
  EXPECT_EQ(run.record.run.value, "demo-0123456789abcdef");
  ASSERT_EQ(run.rounds.size(), 3u);
  EXPECT_FALSE(run.rounds[0].event.has_value());
  EXPECT_EQ(run.rounds[2].event->contributors.size(), 2u);
  EXPECT_EQ(run.files.size(), 8u);
  for (const InspectedFile& file : run.files) {
    EXPECT_EQ(file.problem.empty(), file.path != File("pooled", 1));
  }
}

TEST_F(SqliteRunStoreTest, InspectionWorksWhileTheRunGoesOn) {
  const auto store = Open();
  ASSERT_OK(run_.Create(*store));
  ASSERT_OK(run_.Commit(*store, 1));
  ASSERT_OK_AND_ASSIGN(const RunInspection run, InspectRun(run_dir_.root));
  EXPECT_EQ(run.rounds.size(), 2u);
}

// A process that may write nothing of others', although root runs the tests.
class WithoutRights {
 public:
  WithoutRights() {
    if (user_ == 0) {
      EXPECT_EQ(::seteuid(kNobody), 0);
    }
  }
  ~WithoutRights() {
    if (user_ == 0) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  WithoutRights(const WithoutRights&) = delete;
  WithoutRights& operator=(const WithoutRights&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  const uid_t user_ = ::geteuid();
};

TEST_F(SqliteRunStoreTest, InspectionNeedsNoRightToWrite) {
  MakeRun(1);
  using std::filesystem::perms;
  const perms readable =
      perms::all &
      ~(perms::owner_write | perms::group_write | perms::others_write);
  std::filesystem::permissions(dir_.path(), perms::all);
  std::filesystem::permissions(run_dir_.root, readable);
  {
    const WithoutRights nobody;
    ASSERT_OK_AND_ASSIGN(const RunInspection run, InspectRun(run_dir_.root));
    EXPECT_EQ(run.rounds.size(), 2u);
  }
  std::filesystem::permissions(run_dir_.root, perms::all);
  // What only the log has is not left out in silence.
  ASSERT_OK(WriteFileAtomic(run_dir_.database().string() + "-wal",
                            std::string(4096, 'x')));
  std::filesystem::permissions(run_dir_.root, readable);
  {
    const WithoutRights nobody;
    EXPECT_THAT(InspectRun(run_dir_.root).status(),
                Fails(absl::StatusCode::kPermissionDenied,
                      HasSubstr("copy the directory")));
  }
  std::filesystem::permissions(run_dir_.root, perms::all);
}

TEST_F(SqliteRunStoreTest, InspectionOfAnotherDirectoryIsNotFound) {
  EXPECT_THAT(InspectRun(dir_.path()).status(),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace fedgap
