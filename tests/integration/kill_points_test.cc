// The server or a client is killed (SIGKILL), or the server told to go
// (SIGTERM), at each point of a round where that could leave something half
// done (common/base/kill_point.h), and started again: the run ends in the model
// of the run that nothing disturbed. Server state (FedAdam's moments), local
// tensors at the clients (FedBN) and updates of several chunks are part of it.
//
// FEDGAP_TRIAL_SEED changes the run's seed; `./run faults` tries several.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"

namespace fedgap {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

constexpr int kRounds = 3;
constexpr std::size_t kVictim = 1;

struct KillCase {
  const char* who;      // "server" or "client"
  const char* point;    // of common/base/kill_point.h
  int passing;          // at which it is killed
  bool gently = false;  // by SIGTERM
};

void PrintTo(const KillCase& kill, std::ostream* out) {
  *out << kill.who << (kill.gently ? " terminated at " : " killed at ")
       << kill.point << ", passing " << kill.passing;
}

std::string TrialSeed() {
  const char* seed = std::getenv("FEDGAP_TRIAL_SEED");
  return seed != nullptr ? seed : "7";
}

class KillPointsTest : public FederationPrograms,
                       public ::testing::WithParamInterface<KillCase> {
 protected:
  // Three clients; an update has five chunks, a model two.
  static constexpr std::size_t kClients = 3;
  static std::string Federation() {
    return fmt::format(R"([run]
name = "test"
seed = {}
rounds = {}
[model]
name = "gap-cnn-gn"
width = 56
classes = 4
norm_role = "local"
[resolution]
edges = [16, 24]
[training]
batch_size = 16
steps = 1
learning_rate = 0.05
[aggregation]
strategy = "fedadam"
[cohort]
min_clients = {}
quorum = 1.0
deadline_seconds = 0
reconnect_seconds = 120
)",
                       TrialSeed(), kRounds, kClients);
  }

  // The same federation in one process, where nothing happens to it.
  static void SetUpTestSuite() {
    const TempDir dir;
    std::string config = Federation();
    config += "[simulation]\ndata = 'synthetic:5,360'\nclients = [";
    for (std::size_t i = 0; i < kClients; ++i) {
      config += fmt::format("'{} part={}/6 resolution={}',", kSites[i].name,
                            i + 1, kSites[i].size);
    }
    ASSERT_OK(WriteFileAtomic(dir / "sim.toml", config + "]\n"));
    const ProgramResult result = RunProgram(
        {kBin + "fedgap", "simulate", "--config", (dir / "sim.toml").string(),
         "--run-dir", (dir / "run").string()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto report = ReadFileText(dir / "run/report.json");
    ASSERT_OK(report);
    undisturbed_ = nlohmann::json::parse(*report)["model_sha256"];
  }
  void SetUp() override {
    FederationPrograms::SetUp();
    WriteConfig(Federation());
    if (std::string(GetParam().who) == "server") {
      server_environment_ = {Order()};
    }
  }

  static std::string Order() {
    return fmt::format("FEDGAP_KILL_AT={}:{}{}", GetParam().point,
                       GetParam().passing, GetParam().gently ? ":TERM" : "");
  }
  std::unique_ptr<Process> StartVictim() const {
    return std::make_unique<Process>(ClientWords(kVictim),
                                     std::vector<std::string>{Order()});
  }

  inline static std::string undisturbed_;
};

TEST_P(KillPointsTest, NothingIsLostAndNothingCountsTwice) {
  const bool kills_server = std::string(GetParam().who) == "server";
  auto server = StartServer();
  std::vector<std::unique_ptr<Process>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(!kills_server && i == kVictim ? StartVictim()
                                                    : StartClient(i));
  }
  std::unique_ptr<Process>& victim = kills_server ? server : clients[kVictim];
  const ProgramResult end = victim->Wait();
  if (GetParam().gently) {
    ASSERT_EQ(end.exit_code, 0) << end.err;
    ASSERT_THAT(end.out, HasSubstr("go on with it")) << "the point was passed?";
  } else {
    ASSERT_EQ(end.signal, SIGKILL) << "the point was never passed";
  }
  victim = kills_server ? std::make_unique<Process>(ResumeWords())
                        : StartClient(kVictim);
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(*server);

  const nlohmann::json report = Report();
  EXPECT_EQ(report["model_sha256"], undisturbed_);
  EXPECT_EQ(report["rounds"], kRounds);
  EXPECT_EQ(report["reason"], "completed");
  EXPECT_EQ(report["determinism"], "reproducible");
  // Each round was committed once, with every client's update, once.
  std::vector<Round> rounds;
  std::vector<ClientName> everybody;
  for (std::size_t i = 0; i < kClients; ++i) {
    everybody.push_back({kSites[i].name});
  }
  for (const RoundCommittedEvent& event : Events<RoundCommittedEvent>()) {
    rounds.push_back(event.round);
    EXPECT_THAT(event.contributors, ElementsAreArray(everybody));
  }
  EXPECT_THAT(rounds, ElementsAreArray({1, 2, 3}));
  const ProgramResult inspected =
      RunProgram({kBin + "fedgap", "inspect", run()});
  EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(inspected.out, HasSubstr("all whole"));
}

std::string NameOf(const ::testing::TestParamInfo<KillCase>& info) {
  std::string name = fmt::format("{}_{}{}", info.param.who, info.param.point,
                                 info.param.gently ? "_gently" : "");
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

// In round 2 of 3: a passing a round, a client or a chunk, as the point has it.
INSTANTIATE_TEST_SUITE_P(
    Server, KillPointsTest,
    ::testing::Values(KillCase{"server", "round-selected", 2},
                      KillCase{"server", "tasks-pushed", 2},
                      KillCase{"server", "model-chunk-sent", 8},
                      KillCase{"server", "update-chunk-stored", 18},
                      KillCase{"server", "update-accepted", 5},
                      KillCase{"server", "round-complete", 2},
                      KillCase{"server", "aggregated", 2},
                      KillCase{"server", "evaluated", 2},
                      KillCase{"server", "files-written", 3},
                      KillCase{"server", "rows-written", 3},
                      KillCase{"server", "rows-committed", 3},
                      KillCase{"server", "round-committed", 2}),
    NameOf);
INSTANTIATE_TEST_SUITE_P(
    Terminated, KillPointsTest,
    ::testing::Values(KillCase{"server", "round-selected", 2, true},
                      KillCase{"server", "model-chunk-sent", 8, true},
                      KillCase{"server", "update-chunk-stored", 18, true},
                      KillCase{"server", "round-complete", 2, true},
                      KillCase{"server", "evaluated", 2, true},
                      KillCase{"server", "rows-written", 3, true},
                      KillCase{"server", "round-committed", 2, true}),
    NameOf);
INSTANTIATE_TEST_SUITE_P(
    Client, KillPointsTest,
    ::testing::Values(KillCase{"client", "model-chunk-received", 3},
                      KillCase{"client", "trained", 2},
                      KillCase{"client", "update-saved", 2},
                      KillCase{"client", "update-chunk-sent", 8},
                      KillCase{"client", "verdict-received", 2},
                      KillCase{"client", "commit-heard", 2},
                      KillCase{"client", "local-promoted", 2}),
    NameOf);

}  // namespace
}  // namespace fedgap
