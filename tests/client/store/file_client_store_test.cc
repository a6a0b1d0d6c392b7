#include "client/store/file_client_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/testing/recorded_syncs.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const RunId kRun{"demo-0123456789abcdef"};

Update MakeUpdate(Round round) {
  Update update;
  update.info.task = {"demo/" + std::to_string(round) + "/train/a"};
  update.info.round = round;
  update.info.counts = {{0, 10, 7840}};
  update.info.local_steps = 3;
  update.delta = {1.5f, -2.5f, 0.0f};
  return update;
}

class FileClientStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  // As after a restart of the client.
  void Reopen() {
    store_.reset();
    auto opened = FileClientStore::Open(dir_ / "state");
    ASSERT_OK(opened);
    store_ = *std::move(opened);
  }
  void Flip(const std::string& name) {
    std::fstream file(dir_ / ("state/" + kRun.value + "/" + name),
                      std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(file.good());
    file.seekp(-20, std::ios::end);
    file.put('\x7f');
  }
  TempDir dir_;
  std::unique_ptr<FileClientStore> store_;
};

// A power cut that took the name of the directory would take all that was
// synced in it, and the tensors would silently begin anew.
TEST_F(FileClientStoreTest, TheNamesOfItsDirectoriesAreOnDisk) {
  EXPECT_THAT(RecordedSyncs(), Contains(dir_.path()));
  ASSERT_OK(store_->SaveUpdate(kRun, MakeUpdate(1), {7}));
  EXPECT_THAT(RecordedSyncs(), Contains(dir_ / "state"));
}

TEST_F(FileClientStoreTest, AnUpdateSurvivesARestart) {
  const Update update = MakeUpdate(4);
  ASSERT_OK(store_->SaveUpdate(kRun, update, {7, 8}));
  Reopen();
  ASSERT_OK_AND_ASSIGN(const auto found,
                       store_->FindUpdate(kRun, update.info.task));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, update);
  ASSERT_OK_AND_ASSIGN(const auto other,
                       store_->FindUpdate(kRun, MakeUpdate(5).info.task));
  EXPECT_FALSE(other.has_value());
}

TEST_F(FileClientStoreTest, PromotesLocalTensorsOnlyWhenTheUpdateCounted) {
  ASSERT_OK(store_->SaveUpdate(kRun, MakeUpdate(1), {1, 2}));
  EXPECT_EQ(store_->LocalTensors(kRun).value(), Parameters());
  ASSERT_OK(store_->Resolve(kRun, 1, /*contributed=*/true));
  Reopen();
  EXPECT_EQ(store_->LocalTensors(kRun).value(), (Parameters{1, 2}));
  ASSERT_OK(store_->SaveUpdate(kRun, MakeUpdate(2), {3, 4}));
  ASSERT_OK(store_->Resolve(kRun, 2, /*contributed=*/false));
  EXPECT_EQ(store_->LocalTensors(kRun).value(), (Parameters{1, 2}));
}

TEST_F(FileClientStoreTest, AnEarlierRoundsEndLeavesANewerUpdateAlone) {
  const Update update = MakeUpdate(3);
  ASSERT_OK(store_->SaveUpdate(kRun, update, {}));
  ASSERT_OK(store_->Resolve(kRun, 2, /*contributed=*/true));
  EXPECT_TRUE(store_->FindUpdate(kRun, update.info.task).value().has_value());
}

TEST_F(FileClientStoreTest, ADamagedUpdateIsAsGoodAsNone) {
  const Update update = MakeUpdate(1);
  ASSERT_OK(store_->SaveUpdate(kRun, update, {}));
  Flip("update.bin");
  EXPECT_FALSE(store_->FindUpdate(kRun, update.info.task).value().has_value());
}

TEST_F(FileClientStoreTest, DamagedLocalTensorsAreDataLossByName) {
  ASSERT_OK(store_->SaveUpdate(kRun, MakeUpdate(1), {1, 2, 3, 4, 5, 6}));
  ASSERT_OK(store_->Resolve(kRun, 1, /*contributed=*/true));
  Flip("local.bin");
  EXPECT_THAT(store_->LocalTensors(kRun),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("local.bin")));
}

TEST_F(FileClientStoreTest, ADamagedUpdateThatCountedIsNotForgotten) {
  ASSERT_OK(store_->SaveUpdate(kRun, MakeUpdate(1), {1, 2, 3, 4, 5, 6}));
  Flip("update.bin");
  EXPECT_THAT(store_->Resolve(kRun, 1, /*contributed=*/true),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("update.bin")));
  ASSERT_OK(store_->Resolve(kRun, 1, /*contributed=*/false));
  EXPECT_FALSE(
      std::filesystem::exists(dir_ / "state" / kRun.value / "update.bin"));
}

TEST_F(FileClientStoreTest, ARunsNameDoesNotLeadOutOfTheDirectory) {
  const std::string absolute = (dir_ / "elsewhere").string();
  for (const std::string& name :
       {std::string("../elsewhere"), absolute, std::string(".."),
        std::string("a/b"), std::string()}) {
    const RunId run{name};
    const auto refused = HasCode(absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(store_->SaveUpdate(run, MakeUpdate(1), {}), refused) << name;
    EXPECT_THAT(store_->FindUpdate(run, {"t"}), refused) << name;
    EXPECT_THAT(store_->LocalTensors(run), refused) << name;
    EXPECT_THAT(store_->Resolve(run, 1, true), refused) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(dir_ / "elsewhere"));
}

TEST_F(FileClientStoreTest, ASecondProcessOnTheDirectoryIsRefused) {
  EXPECT_THAT(
      FileClientStore::Open(dir_ / "state"),
      Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("--state-dir")));
}

}  // namespace
}  // namespace fedgap
