// The real programs over networks that cut, delay, slow, damage and swallow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"
#include "tests/testing/fault_proxy.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NetworkFaultsTest : public FederationPrograms {
 protected:
  int port() const { return std::stoi(port_); }
  static std::string PortOf(const FaultProxy& proxy) {
    return std::to_string(proxy.port());
  }
  static std::vector<std::string> Names(const RoundCommittedEvent& event) {
    std::vector<std::string> names;
    for (const ClientName& name : event.contributors) {
      names.push_back(name.value);
    }
    return names;
  }
};

TEST_F(NetworkFaultsTest, EverySiteHasAnotherBadNetworkAndTheAnswerIsTheSame) {
  const auto server = StartServer();
  FaultProxy slow(port(), [](int) {
    return FaultProxy::Fault{.bytes_per_second = 400'000};
  });
  FaultProxy far(port(), [](int) {
    return FaultProxy::Fault{.delay = std::chrono::milliseconds(10)};
  });
  // Cut in the handshake, in the first model, in the first update, and once in
  // each of some connections that follow.
  FaultProxy cutting(port(), [](int connection) {
    FaultProxy::Fault fault;
    if (connection >= 4) return fault;
    if (connection % 2 == 0) fault.cut_down = 1'000 + 9'000 * connection;
    if (connection % 2 == 1) fault.cut_up = 2'000 + 9'000 * connection;
    return fault;
  });
  // TLS finds a flipped bit and ends the connection; where the bit was of a
  // length, the end waits for bytes that never come, and only pings find it.
  FaultProxy damaging(port(), [](int connection) {
    FaultProxy::Fault fault;
    if (connection < 2) fault.flip_down = 4'000 + 5'000 * connection;
    return fault;
  });
  std::vector<std::unique_ptr<Process>> clients;
  const std::vector<std::string> ports = {
      PortOf(slow), PortOf(far), PortOf(cutting), "", PortOf(damaging), ""};
  for (std::size_t i = 0; i < kSites.size(); ++i) {
    std::vector<std::string> words = ClientWords(i, ports[i]);
    words.insert(words.end(), {"--keepalive-seconds", "5"});
    clients.push_back(std::make_unique<Process>(words));
  }
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(*server);
  ExpectTheUndisturbedAnswer();
  EXPECT_GT(cutting.connections(), 2);
  EXPECT_GT(damaging.connections(), 1);
}

TEST_F(NetworkFaultsTest, APartitionedClientIsDoneWithoutAndReturns) {
  std::string config = Config(/*rounds=*/4, /*min_clients=*/3);
  const auto replace = [&config](const std::string& from,
                                 const std::string& to) {
    config.replace(config.find(from), from.size(), to);
  };
  replace("quorum = 1.0", "quorum = 0.6");
  replace("deadline_seconds = 0", "deadline_seconds = 5");
  WriteConfig(config);
  const auto server = StartServer();
  FaultProxy network(port());
  const auto c = StartClient(2, PortOf(network));
  // Joined is not yet connected: its stream of tasks may be on the way.
  ASSERT_TRUE(server->WaitForLine("waiting for clients: 1 of 3 connected (c)"));
  // Nobody tells the server: the first round ends at its deadline.
  network.SetSilent(true);
  const auto a = StartClient(0);
  const auto b = StartClient(1);
  ASSERT_TRUE(server->WaitForLine("round 1/4"));
  network.SetSilent(false);
  for (const auto* client : {&a, &b, &c}) ExpectSuccess(**client);
  ExpectSuccess(*server);

  const auto committed = Events<RoundCommittedEvent>();
  ASSERT_EQ(committed.size(), 4U);
  EXPECT_THAT(Names(committed.front()), ElementsAre("a", "b"));
  EXPECT_EQ(committed.front().ending, "deadline");
  bool is_back = false;
  for (const RoundCommittedEvent& round : committed) {
    double sum = 0;
    for (const ClientInfluence& client : round.client_influence) {
      sum += client.influence;
    }
    EXPECT_NEAR(sum, 1, 1e-9) << "round " << round.round;
    is_back |= Names(round) == std::vector<std::string>{"a", "b", "c"};
  }
  EXPECT_TRUE(is_back);
  EXPECT_EQ(Report()["determinism"], "replayable");
}

TEST_F(NetworkFaultsTest, AServerWithoutClientsWaitsAtRestAndGivesUpAsToldTo) {
  // More rounds than there is time for.
  std::string config = Config(/*rounds=*/100000, /*min_clients=*/2);
  config += "reconnect_seconds = 1\nwait_seconds = 15\n";
  WriteConfig(config);
  const auto server = StartServer();
  std::vector<std::unique_ptr<Process>> clients;
  for (std::size_t i = 0; i < 2; ++i) clients.push_back(StartClient(i));
  ASSERT_TRUE(clients[0]->WaitForLine("the update was accepted"));
  for (const auto& client : clients) client->Signal(SIGKILL);
  const ProgramResult result = server->Wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("0 of 2 clients were connected for 15 s "
                              "(cohort.wait_seconds)"),
                    HasSubstr("--resume")));
  EXPECT_EQ(Report()["reason"],
            "interrupted (0 of 2 clients were connected for 15 s "
            "(cohort.wait_seconds))");
  // One that spins takes most of fifteen seconds, whoever else is at work.
  EXPECT_LT(result.cpu_seconds, 6);

  Process resumed(ResumeWords());
  ASSERT_TRUE(resumed.WaitForLine("waiting for clients"));
  resumed.Signal(SIGTERM);
  ExpectSuccess(resumed);
}

}  // namespace
}  // namespace fedgap
