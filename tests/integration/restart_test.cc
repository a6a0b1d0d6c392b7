// Programs that are killed, stopped, started again and added in mid-run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr std::size_t kA = 0, kB = 1, kC = 2, kD = 3;

class RestartTest : public FederationPrograms {
 protected:
  using Clients = std::vector<std::unique_ptr<Process>>;

  // Returns when round 1 is committed and round 2 is open: everybody's update
  // is in but that of d, who is stopped before the server can have asked.
  static void StopInRoundTwo(Process& server, const Clients& clients) {
    ASSERT_TRUE(clients[kD]->WaitForLine("round 1: the update was accepted"));
    clients[kD]->Signal(SIGSTOP);
    ASSERT_TRUE(server.WaitForLine("round 1/3"));
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (i == kD) continue;
      ASSERT_TRUE(clients[i]->WaitForLine("round 2: the update was accepted"));
    }
  }

  // For each committed round, which start of the server committed it.
  std::vector<int> StartsOfCommits() const {
    std::vector<int> starts;
    EXPECT_OK(
        ReadEvents(dir_ / "run/events", [&starts](const LoggedEvent& logged) {
          if (std::holds_alternative<RoundCommittedEvent>(logged.event)) {
            starts.push_back(logged.header.start);
          }
        }));
    return starts;
  }

  // Repeats the run with these clients.
  ProgramResult Replay(const std::string& sites,
                       std::vector<std::string> more = {}) {
    WriteConfig(sites);
    std::vector<std::string> words = {
        kBin + "fedgap", "simulate",
        "--replay",      run(),
        "--config",      (dir_ / "server.toml").string(),
        "--run-dir",     (dir_ / "replay").string()};
    words.insert(words.end(), more.begin(), more.end());
    return RunProgram(std::move(words));
  }

  // A client with other images makes the first round that it took part in
  // differ; without it there is no replay.
  void ExpectReplaysOfOtherSitesFail(
      const std::vector<RoundCommittedEvent>& committed) {
    const auto first = std::ranges::find_if(committed, [](const auto& round) {
      return std::ranges::count(round.contributors, ClientName{"c"}) > 0;
    });
    std::string sites = SimulatedSites();
    const std::string with_c = "'c part=3/6 resolution=28',";
    ASSERT_NE(sites.find(with_c), std::string::npos);
    sites.replace(sites.find(with_c), with_c.size(),
                  "'c part=4/6 resolution=28',");
    std::filesystem::remove_all(dir_ / "replay");
    const ProgramResult other = Replay(sites);
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.err,
                HasSubstr(fmt::format("round {} differs", first->round)));
    sites = SimulatedSites();
    sites.erase(sites.find(with_c), with_c.size());
    std::filesystem::remove_all(dir_ / "replay");
    EXPECT_THAT(Replay(sites).err, HasSubstr("client 'c' took part in round"));
    EXPECT_THAT(Replay(sites, {"--set", "training.epochs=2"}).err,
                HasSubstr("--replay keeps the run's configuration"));
  }

  ProgramResult Inspect() const {
    return RunProgram({kBin + "fedgap", "inspect", run()});
  }
};

TEST_F(RestartTest, AKilledServerGoesOnAndItsClientsComeBackByThemselves) {
  const auto server = StartServer();
  const Clients clients = StartClients();
  StopInRoundTwo(*server, clients);
  server->Signal(SIGKILL);
  EXPECT_EQ(server->Wait().signal, SIGKILL);
  clients[kD]->Signal(SIGCONT);

  Process resumed(ResumeWords());
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(resumed);
  ExpectTheUndisturbedAnswer();
  EXPECT_EQ(Report()["starts"], 2);
  // The round that was cut short was run again.
  EXPECT_THAT(StartsOfCommits(), ElementsAre(1, 2, 2));
}

TEST_F(RestartTest, KilledClientsComeBackAndTheRoundIsTheSame) {
  const auto server = StartServer();
  Clients clients = StartClients();
  StopInRoundTwo(*server, clients);
  // One whose update is in, and one who is asked for it.
  for (const std::size_t killed : {kB, kD}) {
    clients[killed]->Signal(SIGKILL);
    EXPECT_EQ(clients[killed]->Wait().signal, SIGKILL);
    clients[killed] = StartClient(killed);
  }
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(*server);
  ExpectTheUndisturbedAnswer();
  EXPECT_THAT(
      Events<ClientJoinedEvent>(),
      AllOf(Contains(AllOf(Field(&ClientJoinedEvent::client, ClientName{"b"}),
                           Field(&ClientJoinedEvent::returned, true))),
            Contains(AllOf(Field(&ClientJoinedEvent::client, ClientName{"d"}),
                           Field(&ClientJoinedEvent::returned, true)))));
}

TEST_F(RestartTest, ControlCEndsEveryProcessAndTheRunCanBeLookedAtAndResumed) {
  {
    const auto server = StartServer();
    const Clients clients = StartClients();
    StopInRoundTwo(*server, clients);
    clients[kD]->Signal(SIGCONT);
    server->Signal(SIGINT);
    for (const auto& client : clients) client->Signal(SIGINT);
    ExpectSuccess(*server);
    for (const auto& client : clients) ExpectSuccess(*client);
  }
  const ProgramResult inspected = Inspect();
  EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(inspected.out,
              AllOf(HasSubstr("not finished"), HasSubstr("all whole")));
  EXPECT_EQ(Report()["reason"], "interrupted (SIGINT)");

  Process resumed(ResumeWords());
  for (const auto& client : StartClients()) ExpectSuccess(*client);
  ExpectSuccess(resumed);
  ExpectTheUndisturbedAnswer();
  EXPECT_THAT(Inspect().out, HasSubstr("completed"));
}

TEST_F(RestartTest, ClientsWaitForAServerThatWasTerminated) {
  const auto server = StartServer();
  const Clients clients = StartClients();
  StopInRoundTwo(*server, clients);
  server->Signal(SIGTERM);
  clients[kD]->Signal(SIGCONT);
  ExpectSuccess(*server);
  for (const auto& client : clients) {
    ASSERT_TRUE(client->WaitForLine("trying again"));
  }
  Process resumed(ResumeWords());
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(resumed);
  ExpectTheUndisturbedAnswer();
}

// An earlier release did not know every key of today's.
TEST_F(RestartTest, ARunOfAnEarlierReleaseGoesOn) {
  {
    const auto server = StartServer();
    const Clients clients = StartClients();
    StopInRoundTwo(*server, clients);
    server->Signal(SIGTERM);
    for (const auto& client : clients) client->Signal(SIGKILL);
    ExpectSuccess(*server);
  }
  const ProgramResult forgot = RunProgram(
      {"/usr/bin/python3", "-c",
       "import sqlite3, sys\n"
       "db = sqlite3.connect(sys.argv[1])\n"
       "text = db.execute('SELECT config_toml FROM run').fetchone()[0]\n"
       "lines = [l for l in text.splitlines(True)\n"
       "         if not l.startswith(('wait_seconds', 'keep_models'))]\n"
       "assert len(lines) + 2 == len(text.splitlines()), text\n"
       "assert 'threads = 0\\n' in lines, text\n"
       "lines = [l.replace('threads = 0', 'threads = 1') for l in lines]\n"
       "db.execute('UPDATE run SET config_toml = ?', (''.join(lines),))\n"
       "db.commit()\n",
       (dir_ / "run/state.db").string()});
  ASSERT_EQ(forgot.exit_code, 0) << forgot.err;
  Process resumed(ResumeWords());
  for (const auto& client : StartClients()) ExpectSuccess(*client);
  ExpectSuccess(resumed);
  ExpectTheUndisturbedAnswer();
}

std::vector<std::string> Names(const std::vector<ClientName>& clients) {
  std::vector<std::string> names;
  for (const ClientName& client : clients) names.push_back(client.value);
  return names;
}

TEST_F(RestartTest, AClientIsAddedAndAnotherStoppedInMidRun) {
  WriteConfig(Config(/*rounds=*/20, /*min_clients=*/2));
  const auto server = StartServer();
  const auto a = StartClient(kA);
  const auto b = StartClient(kB);
  // While b is stopped, no round closes.
  ASSERT_TRUE(server->WaitForLine("round  1/20"));
  b->Signal(SIGSTOP);
  const auto c = StartClient(kC);
  ASSERT_TRUE(c->WaitForLine("joined run"));
  b->Signal(SIGCONT);
  ASSERT_TRUE(c->WaitForLine("the update was accepted"));
  b->Signal(SIGSTOP);
  a->Signal(SIGTERM);
  ExpectSuccess(*a);
  b->Signal(SIGCONT);
  ExpectSuccess(*b);
  ExpectSuccess(*c);
  ExpectSuccess(*server);

  // Its stream ends as it says goodbye: the server may see either first.
  EXPECT_THAT(
      Events<ClientLeftEvent>(),
      ElementsAre(AllOf(Field(&ClientLeftEvent::client, ClientName{"a"}),
                        Field(&ClientLeftEvent::reason,
                              AnyOf("stopped", "connection lost")))));
  EXPECT_THAT(Events<ClientJoinedEvent>(),
              Contains(AllOf(Field(&ClientJoinedEvent::client, ClientName{"c"}),
                             Field(&ClientJoinedEvent::returned, false))));
  const auto committed = Events<RoundCommittedEvent>();
  ASSERT_EQ(committed.size(), 20U);
  EXPECT_THAT(Names(committed.front().contributors), ElementsAre("a", "b"));
  EXPECT_THAT(Names(committed.back().contributors), ElementsAre("b", "c"));
  const nlohmann::json report = Report();
  EXPECT_EQ(report["reason"], "completed");
  EXPECT_EQ(report["determinism"], "replayable");

  // Which clients counted was decided by time; with the recorded sets the run
  // is the same to the last bit.
  const ProgramResult replayed = Replay(SimulatedSites());
  EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
  EXPECT_THAT(replayed.out, HasSubstr("replayed: 20 rounds"));
  ExpectReplaysOfOtherSitesFail(committed);
}

}  // namespace
}  // namespace fedgap
