// Debian's Prometheus reads a real server's metrics, as deploy/ has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/integration/federation_programs.h"
#include "tests/testing/golden_log.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* kPrometheus = "/usr/bin/prometheus";
constexpr const char* kToken = "0123456789abcdef";

// The last number of `text`.
std::string LastNumber(const std::string& text) {
  const auto end = text.find_last_of("0123456789");
  const auto before = text.find_last_not_of("0123456789", end);
  return text.substr(before + 1, end - before);
}

class MetricsScrapeTest : public FederationPrograms {
 protected:
  void SetUp() override {
    if (::access(kPrometheus, X_OK) != 0) GTEST_SKIP() << "no prometheus";
    FederationPrograms::SetUp();
    // More rounds than the test waits for.
    WriteConfig(Config(/*rounds=*/100000, /*min_clients=*/2));
    ASSERT_OK(WriteFileAtomic(dir_ / "token", std::string_view(kToken)));
    std::filesystem::copy(dir_ / "ca/server/ca.pem", dir_ / "ca.pem");
  }

  // A server whose metrics are to be had from beyond this machine, at
  // `metrics_port_`.
  std::unique_ptr<Process> StartMeasured(std::vector<std::string> words) {
    words.insert(words.end(), {"--dashboard", "0.0.0.0:0",
                               "--dashboard-token-file", dir_ / "token"});
    auto server = std::make_unique<Process>(words);
    const std::string line = server->WholeLine("dashboard: https://");
    metrics_port_ = LastNumber(line.substr(0, line.find("/?")));
    return server;
  }
  void StartTwoClients() {
    ASSERT_TRUE(std::filesystem::exists(dir_ / "port"));
    port_ = LastNumber(ReadFileText(dir_ / "port").value());
    clients_.push_back(StartClient(0));
    clients_.push_back(StartClient(3));
  }

  // With the configuration of deploy/, scraping often.
  void StartPrometheus() {
    std::string config =
        ReadFileText(SourceDir() / "deploy/prometheus/prometheus.yml").value();
    for (const char* part : {"fl.example.org:8080", "15s"}) {
      ASSERT_THAT(config, HasSubstr(part));
    }
    config =
        Replaced(config, "fl.example.org:8080", "localhost:" + metrics_port_);
    config = Replaced(config, "15s", "200ms");
    ASSERT_OK(WriteFileAtomic(dir_ / "prometheus.yml", config));
    prometheus_ = std::make_unique<Process>(std::vector<std::string>{
        kPrometheus, "--config.file=" + (dir_ / "prometheus.yml").string(),
        "--storage.tsdb.path=" + (dir_ / "tsdb").string(),
        "--web.listen-address=127.0.0.1:0"});
    api_port_ = LastNumber(prometheus_->WholeLine("Listening on"));
    ASSERT_TRUE(prometheus_->WaitForLine("ready to receive web requests"));
  }

  // The result of a query now.
  Json Ask(const std::string& query) const {
    httplib::Client client("127.0.0.1", std::stoi(api_port_));
    const auto answer = client.Get(
        "/api/v1/query", httplib::Params{{"query", query}}, httplib::Headers{});
    if (!answer) return nullptr;
    const Json json = Json::parse(answer->body);
    EXPECT_EQ(json["status"], "success") << query << "\n" << answer->body;
    return json["status"] == "success" ? json["data"]["result"] : Json();
  }
  // Asks until `enough`, as scrapes come in; the last result.
  Json AskUntil(const std::string& query,
                const std::function<bool(const Json&)>& enough) const {
    const auto until = std::chrono::steady_clock::now() + Process::kPatience;
    Json result;
    while (!enough(result = Ask(query))) {
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << query << " is still " << result
                      << "; the targets: " << Targets();
        return result;
      }
    }
    return result;
  }
  std::string Targets() const {
    httplib::Client client("127.0.0.1", std::stoi(api_port_));
    const auto answer = client.Get("/api/v1/targets");
    return answer ? answer->body : "no answer";
  }
  static double ValueOf(const Json& result) {
    if (result.empty()) return 0;
    return std::stod(result[0]["value"][1].get<std::string>());
  }

  std::string metrics_port_;
  std::string api_port_;
  std::vector<std::unique_ptr<Process>> clients_;
  std::unique_ptr<Process> prometheus_;
};

// A panel's query with Grafana's variables filled in.
std::string Filled(const std::string& query) {
  std::string filled = Replaced(query, "$__rate_interval", "30s");
  filled = Replaced(filled, "$__range", "30s");
  return Replaced(filled, "$instance", ".*");
}

TEST_F(MetricsScrapeTest, PrometheusScrapesALiveServer) {
  const auto server = StartMeasured(ServerWords("127.0.0.1:0"));
  ASSERT_TRUE(server->WaitForFile(dir_ / "port"));
  StartTwoClients();
  StartPrometheus();
  const Json committed =
      AskUntil("fedgap_rounds_committed_total",
               [](const Json& result) { return ValueOf(result) >= 2; });
  ASSERT_EQ(committed.size(), 1U);
  EXPECT_EQ(committed[0]["metric"]["job"], "fedgap");
  EXPECT_EQ(ValueOf(Ask("fedgap_clients_connected")), 2);
  EXPECT_EQ(ValueOf(Ask("up{job=\"fedgap\"}")), 1);
  EXPECT_GT(ValueOf(Ask("process_resident_memory_bytes{job=\"fedgap\"}")), 1e6);

  // Every panel of the Grafana dashboard has an answer.
  const auto board = Json::parse(
      ReadFileText(SourceDir() / "deploy/grafana/dashboards/fedgap.json")
          .value());
  for (const Json& panel : board["panels"]) {
    if (panel["datasource"]["type"] != "prometheus") continue;
    for (const Json& target : panel["targets"]) {
      AskUntil(Filled(target["expr"].get<std::string>()),
               [](const Json& result) { return !result.empty(); });
    }
  }
}

TEST_F(MetricsScrapeTest, AResumedRunGoesOnCounting) {
  auto server = StartMeasured(ServerWords("127.0.0.1:0"));
  ASSERT_TRUE(server->WaitForFile(dir_ / "port"));
  StartTwoClients();
  ASSERT_TRUE(server->WaitForLine("2/100000"));
  server->Signal(SIGKILL);
  server->Wait();
  clients_.clear();

  server = StartMeasured(ResumeWords());
  const Round rounds = Events<RunStartedEvent>().back().last_committed;
  const auto updates = Events<UpdateAcceptedEvent>().size();
  ASSERT_GE(rounds, 2);
  httplib::SSLClient client("localhost", std::stoi(metrics_port_));
  client.set_ca_cert_path((dir_ / "ca.pem").c_str());
  client.enable_server_certificate_verification(true);
  EXPECT_EQ(client.Get("/metrics")->status, 401);
  client.set_bearer_token_auth(kToken);
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer) << httplib::to_string(answer.error());
  EXPECT_THAT(answer->get_header_value("Content-Type"),
              StartsWith("text/plain"));
  EXPECT_THAT(
      answer->body,
      HasSubstr(fmt::format("\nfedgap_rounds_committed_total {}\n", rounds)));
  EXPECT_THAT(
      answer->body,
      HasSubstr(fmt::format("\nfedgap_updates_accepted_total {}\n", updates)));
  EXPECT_THAT(answer->body, HasSubstr("\nfedgap_clients_connected 0\n"));
  EXPECT_THAT(answer->body,
              HasSubstr("\nfedgap_accuracy_worst_ratio{source=\"clients\"}"));
}

}  // namespace
}  // namespace fedgap
