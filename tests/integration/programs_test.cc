// The programs that users run, as processes, over mutual TLS on loopback.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/base/file_io.h"
#include "common/nn/kernels/isa.h"
#include "tests/testing/run_program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

const std::string kBin = FEDGAP_BINARY_DIR "/bin/";

// The federation of in_process_federation_test.cc, as a file.
constexpr const char* kConfig = R"(
[run]
name = "test"
seed = 7
rounds = 3
[model]
name = "gap-cnn-gn"
width = 8
classes = 4
[resolution]
edges = [16, 24, 29, 34]
[training]
batch_size = 16
learning_rate = 0.05
[cohort]
min_clients = 6
quorum = 1.0
deadline_seconds = 0
max_size = 16
)";

struct Site {
  std::string name;
  std::string size;
};
const std::vector<Site> kSites = {{"a", "14"}, {"b", "20"},    {"c", "28"},
                                  {"d", "40"}, {"e", "24x36"}, {"f", "17x11"}};

// Blocks until `name` is moved into `directory`.
class FileWaiter {
 public:
  explicit FileWaiter(const std::filesystem::path& directory)
      : fd_(::inotify_init1(IN_CLOEXEC)) {
    FEDGAP_CHECK(fd_ >= 0 &&
                 ::inotify_add_watch(fd_, directory.c_str(), IN_MOVED_TO) >= 0);
  }
  ~FileWaiter() { ::close(fd_); }
  void WaitFor(const std::string& name) {
    alignas(inotify_event) std::array<char, 4096> buffer;
    while (true) {
      const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
      FEDGAP_CHECK(got > 0);
      for (ssize_t at = 0; at < got;) {
        const auto* event =
            reinterpret_cast<const inotify_event*>(buffer.data() + at);
        if (event->len > 0 && name == event->name) return;
        at += static_cast<ssize_t>(sizeof(inotify_event)) + event->len;
      }
    }
  }

 private:
  int fd_;
};

class ProgramsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteFileAtomic(dir_ / "server.toml", kConfig));
    const std::string ca = (dir_ / "ca").string();
    ASSERT_EQ(RunProgram({kBin + "fedgap", "certs", "init", ca, "--federation",
                          "test", "--server", "server", "--dns", "localhost"})
                  .exit_code,
              0);
    std::vector<std::string> issue = {
        kBin + "fedgap", "certs",
        "issue",         ca,
        "--out",         (dir_ / "bundles").string()};
    for (const Site& site : kSites) issue.push_back("--name=" + site.name);
    ASSERT_EQ(RunProgram(issue).exit_code, 0);
  }

  std::vector<std::string> ServerWords(const std::string& listen) {
    return {kBin + "fedgap-server",
            "--config",
            (dir_ / "server.toml").string(),
            "--certs",
            (dir_ / "ca/server").string(),
            "--run-dir",
            (dir_ / "run").string(),
            "--listen",
            listen,
            "--port-file",
            (dir_ / "port").string()};
  }

  std::vector<std::string> ClientWords(std::size_t site,
                                       const std::string& port) {
    return {kBin + "fedgap-client",
            "--server",
            "localhost:" + port,
            "--certs",
            (dir_ / "bundles" / kSites[site].name).string(),
            "--data",
            "synthetic:5,360",
            "--part",
            fmt::format("{}/{}", site + 1, kSites.size()),
            "--resolution",
            kSites[site].size,
            "--threads",
            site % 2 == 0 ? "1" : "2",
            "--state-dir",
            (dir_ / ("state-" + kSites[site].name)).string()};
  }

  TempDir dir_;
};

TEST_F(ProgramsTest, TheAnswerOverGrpcIsTheOneInProcess) {
  FileWaiter waiter(dir_.path());
  ProgramResult server;
  std::thread server_thread(
      [&] { server = RunProgram(ServerWords("127.0.0.1:0")); });
  waiter.WaitFor("port");
  ASSERT_OK_AND_ASSIGN(std::string port, ReadFileText(dir_ / "port"));
  port.pop_back();
  std::vector<std::thread> clients;
  std::vector<ProgramResult> results(kSites.size());
  for (std::size_t i = 0; i < kSites.size(); ++i) {
    clients.emplace_back(
        [&, i] { results[i] = RunProgram(ClientWords(i, port)); });
  }
  for (std::thread& client : clients) client.join();
  server_thread.join();
  for (const ProgramResult& result : results) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_EQ(server.exit_code, 0) << server.err;
  EXPECT_THAT(server.out, HasSubstr("round 3/3"));

  ASSERT_OK_AND_ASSIGN(const std::string text,
                       ReadFileText(dir_ / "run/report.json"));
  const auto report = nlohmann::json::parse(text);
  EXPECT_EQ(report["rounds"], 3);
  EXPECT_EQ(report["determinism"], "reproducible") << text;
  if (!kernels::HasPortableBits(kernels::BestIsa())) return;
  EXPECT_EQ(report["model_sha256"],
            "3dbc51ee2c30c3b38593cf878119854813a51424c805fa63495f640ca9de0a51");
}

TEST_F(ProgramsTest, AMissingCertificateIsSaidBeforeConnecting) {
  std::vector<std::string> words = ClientWords(0, "1");
  words[4] = (dir_ / "nowhere").string();
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere"));
}

TEST_F(ProgramsTest, MistakesInAConfigurationAreNamedWithTheirPlace) {
  ASSERT_OK(WriteFileAtomic(dir_ / "server.toml",
                            "[run]\nruonds = 3\n[cohort]\nfraction = 1.5\n"));
  const ProgramResult result = RunProgram(ServerWords("127.0.0.1:0"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("server.toml:2"));
  EXPECT_THAT(result.err, HasSubstr("did you mean 'rounds'"));
  EXPECT_THAT(result.err, HasSubstr("server.toml:4"));
}

TEST_F(ProgramsTest, AServerWithoutCertificateSaysWhatToDo) {
  const ProgramResult result =
      RunProgram({kBin + "fedgap-server", "--listen", "127.0.0.1:0",
                  "--run-dir", (dir_ / "run").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("fedgap certs init"));
}

TEST_F(ProgramsTest, DataThatIsNotThereIsNamed) {
  std::vector<std::string> words = ClientWords(0, "1");
  words[6] = "folder:/no/such/folder";
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/no/such/folder"));
}

}  // namespace
}  // namespace fedgap
