// The real programs on a disk that fills up: a tmpfs of the test's own, which
// takes root to mount.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"
#include "tests/testing/fault_proxy.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DiskFullTest : public FederationPrograms {
 protected:
  void SetUp() override {
    FederationPrograms::SetUp();
    std::filesystem::create_directory(run());
    // A mount that only this process and its children see.
    mounted_ =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount("tmpfs", run().c_str(), "tmpfs", 0, "size=32m") == 0;
    if (!mounted_) {
      GTEST_SKIP() << "a small disk cannot be mounted (" << std::strerror(errno)
                   << "); this test needs root";
    }
  }
  void TearDown() override {
    if (mounted_) ::umount2(run().c_str(), MNT_DETACH);
  }

  std::filesystem::path ballast() const { return dir_ / "run/ballast"; }
  // Until not a byte more fits.
  void FillDisk() const {
    std::ofstream file(ballast(), std::ios::binary);
    for (std::size_t size = 1 << 16; size > 0; size /= 16) {
      const std::string bytes(size, 'x');
      file.clear();
      while (file.write(bytes.data(), std::ssize(bytes)).flush()) {
      }
    }
    EXPECT_EQ(std::filesystem::space(run()).available, 0);
  }
  // Until less than 1 MiB fits.
  void FillDiskButForTheLog() const {
    std::ofstream file(ballast(), std::ios::binary);
    const std::string bytes(1 << 16, 'x');
    while (std::filesystem::space(run()).available >= 1 << 20) {
      ASSERT_TRUE(file.write(bytes.data(), std::ssize(bytes)).flush());
    }
  }

 private:
  bool mounted_ = false;
};

TEST_F(DiskFullTest, TheServerSaysSoKeepsTheLastCommitAndGoesOnWithRoom) {
  const auto server = StartServer();
  // A round takes seconds, of which the disk fills up in the first.
  FaultProxy slow(std::stoi(port_), [](int) {
    return FaultProxy::Fault{.bytes_per_second = 20'000};
  });
  std::vector<std::unique_ptr<Process>> clients;
  for (std::size_t i = 0; i < kSites.size(); ++i) {
    clients.push_back(
        StartClient(i, i == 0 ? std::to_string(slow.port()) : ""));
  }
  ASSERT_TRUE(server->WaitForLine("round 1/3"));
  FillDisk();
  const ProgramResult full = server->Wait();
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("No space left on device"),
                              HasSubstr(run()), HasSubstr("--resume")));

  std::filesystem::remove(ballast());
  const ProgramResult inspected =
      RunProgram({kBin + "fedgap", "inspect", run()});
  EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(inspected.out, HasSubstr("all whole"));
  Process resumed(ResumeWords());
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(resumed);
  ExpectTheUndisturbedAnswer();
}

TEST_F(DiskFullTest, UpdatesThatDoNotFitComeAgainOnceThereIsRoom) {
  // A model above 1 MiB: its updates stand in files.
  std::string config = Config(/*rounds=*/2, /*min_clients=*/2);
  const std::string narrow = "width = 8";
  config.replace(config.find(narrow), narrow.size(), "width = 64");
  WriteConfig(config);
  const auto server = StartServer();
  FillDiskButForTheLog();
  std::vector<std::unique_ptr<Process>> clients;
  for (std::size_t i = 0; i < 2; ++i) clients.push_back(StartClient(i));
  ASSERT_TRUE(server->WaitForLine("updates cannot be stored"));
  std::filesystem::remove(ballast());
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(*server);
  EXPECT_THAT(Events<UpdateRejectedEvent>(), IsEmpty());
  EXPECT_THAT(Events<RoundAbortedEvent>(), IsEmpty());
  EXPECT_EQ(Report()["determinism"], "reproducible");
}

TEST_F(DiskFullTest, ADiskThatIsFullFromTheStartIsSaidAtTheStart) {
  FillDisk();
  const ProgramResult result = RunProgram(ServerWords("127.0.0.1:0"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("No space left on device"), HasSubstr(run())));
}

}  // namespace
}  // namespace fedgap
