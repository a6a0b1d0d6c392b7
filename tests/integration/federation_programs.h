// A small federation of the real programs, over mutual TLS on loopback: the one
// of in_process_federation_test.cc, which ends in the same model.
#ifndef FEDGAP_TESTS_INTEGRATION_FEDERATION_PROGRAMS_H_
#define FEDGAP_TESTS_INTEGRATION_FEDERATION_PROGRAMS_H_

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "common/nn/kernels/isa.h"
#include "common/telemetry/event_reader.h"
#include "tests/testing/process.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {

struct Site {
  std::string name;
  std::string size;
};

class FederationPrograms : public ::testing::Test {
 protected:
  inline static const std::string kBin = (BinaryDir() / "bin/").string();
  inline static const std::vector<Site> kSites = {
      {"a", "14"}, {"b", "20"},    {"c", "28"},
      {"d", "40"}, {"e", "24x36"}, {"f", "17x11"}};

  void SetUp() override {
    WriteConfig(Config(/*rounds=*/3, /*min_clients=*/6));
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

  static std::string Config(int rounds, int min_clients) {
    return fmt::format(R"([run]
name = "test"
seed = 7
rounds = {}
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
min_clients = {}
quorum = 1.0
deadline_seconds = 0
max_size = 16
)",
                       rounds, min_clients);
  }
  // The same clients, for the simulator.
  static std::string SimulatedSites() {
    std::string table = "[simulation]\ndata = 'synthetic:5,360'\nclients = [";
    for (std::size_t i = 0; i < kSites.size(); ++i) {
      table += fmt::format("'{} part={}/6 resolution={}',", kSites[i].name,
                           i + 1, kSites[i].size);
    }
    return table + "]\n";
  }
  void WriteConfig(const std::string& text) {
    ASSERT_OK(WriteFileAtomic(dir_ / "server.toml", text));
  }

  std::string run() const { return (dir_ / "run").string(); }

  std::vector<std::string> ServerWords(const std::string& listen) const {
    return {kBin + "fedgap-server",
            "--config",
            (dir_ / "server.toml").string(),
            "--certs",
            (dir_ / "ca/server").string(),
            "--run-dir",
            run(),
            "--listen",
            listen,
            "--port-file",
            (dir_ / "port").string()};
  }
  std::vector<std::string> ResumeWords() const {
    return {kBin + "fedgap-server",
            "--resume",
            run(),
            "--certs",
            (dir_ / "ca/server").string(),
            "--listen",
            "127.0.0.1:" + port_};
  }
  // `port`: of a proxy before the server.
  std::vector<std::string> ClientWords(std::size_t site,
                                       const std::string& port = "") const {
    return {kBin + "fedgap-client",
            "--server",
            "localhost:" + (port.empty() ? port_ : port),
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
            (dir_ / ("state-" + kSites[site].name)).string(),
            "--log-level",
            "debug"};
  }

  // A server on a free port, which port_ has then.
  std::unique_ptr<Process> StartServer() {
    auto server = std::make_unique<Process>(ServerWords("127.0.0.1:0"),
                                            server_environment_);
    const auto listens = server->WaitForFile(dir_ / "port");
    EXPECT_TRUE(listens);
    if (listens) port_ = ReadFileText(dir_ / "port").value();
    while (!port_.empty() && port_.back() == '\n') port_.pop_back();
    return server;
  }
  std::unique_ptr<Process> StartClient(std::size_t site,
                                       const std::string& port = "") const {
    return std::make_unique<Process>(ClientWords(site, port));
  }
  std::vector<std::unique_ptr<Process>> StartClients() const {
    std::vector<std::unique_ptr<Process>> clients;
    for (std::size_t i = 0; i < kSites.size(); ++i) {
      clients.push_back(StartClient(i));
    }
    return clients;
  }

  static void ExpectSuccess(Process& process) {
    const ProgramResult result = process.Wait();
    EXPECT_EQ(result.exit_code, 0) << "signal " << result.signal << "\n"
                                   << result.out << result.err;
  }

  nlohmann::json Report() const {
    const auto text = ReadFileText(dir_ / "run/report.json");
    EXPECT_OK(text);
    return nlohmann::json::parse(text.value_or("{}"));
  }
  // The run of the three rounds and six clients that nothing disturbed.
  void ExpectTheUndisturbedAnswer() const {
    const nlohmann::json report = Report();
    EXPECT_EQ(report["rounds"], 3);
    EXPECT_EQ(report["determinism"], "reproducible") << report;
    if (!kernels::HasPortableBits(kernels::BestIsa())) return;
    EXPECT_EQ(
        report["model_sha256"],
        "666e30c08d88aecf1a3519f3079f3870e53f17e135a04d39f9e61319312f8b6f");
  }

  // The events of one type, in order.
  template <typename E>
  std::vector<E> Events() const {
    std::vector<E> found;
    EXPECT_OK(
        ReadEvents(dir_ / "run/events", [&found](const LoggedEvent& logged) {
          if (const E* event = std::get_if<E>(&logged.event)) {
            found.push_back(*event);
          }
        }));
    return found;
  }

  TempDir dir_;
  std::string port_ = "1";
  std::vector<std::string> server_environment_;  // NAME=value, of StartServer
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_INTEGRATION_FEDERATION_PROGRAMS_H_
