#include "common/wire/run_status_wire.h"

#include <gtest/gtest.h>

#include "tests/common/wire/malformed_messages.h"

namespace fedgap {
namespace {

RunStatus SomeStatus() {
  RunStatus status;
  status.run = {"demo-0123456789abcdef"};
  status.phase = RunPhase::kCollecting;
  status.round = 4;
  status.last_committed = 3;
  status.rounds = 24;
  status.cohort = 6;
  status.received = 2;
  status.connected = 6;
  status.min_clients = 6;
  status.model.digest.fill(5);
  status.reason = "waits for 4 updates";
  return status;
}

ClientStatus SomeClient(const std::string& name) {
  return {.client = {name},
          .connected = true,
          .in_cohort = true,
          .answered = true,
          .samples = 10,
          .accepted_updates = 3,
          .rejected_updates = 1};
}

TEST(RunStatusWireTest, StatusesComeBack) {
  ASSERT_OK_AND_ASSIGN(const RunStatus back, FromProto(ToProto(SomeStatus())));
  EXPECT_EQ(back, SomeStatus());
  ASSERT_OK_AND_ASSIGN(const ClientStatus client,
                       FromProto(ToProto(SomeClient("alice"))));
  EXPECT_EQ(client, SomeClient("alice"));
}

TEST(RunStatusWireTest, MalformedStatusesAreRefused) {
  using M = v1::RunStatus;
  ExpectRefused<M>(
      ToProto(SomeStatus()),
      {
          {"no run", [](M& m) { m.clear_run_id(); }, "run_id"},
          {"no phase", [](M& m) { m.clear_phase(); }, "phase"},
          {"negative round", [](M& m) { m.set_round(-1); }, "round is -1"},
          {"no model", [](M& m) { m.clear_model_id(); }, "model_id"},
      },
      [](const M& m) { return FromProto(m); });
}

TEST(RunStatusWireTest, ClientsComePageByPage) {
  RunStatus status;
  for (const char* name : {"a", "b", "c"}) {
    status.clients.push_back(SomeClient(name));
  }
  v1::ClientsRequest request;
  request.set_limit(2);
  v1::ClientsReply page = ClientsPage(status, request);
  ASSERT_EQ(page.clients_size(), 2);
  EXPECT_EQ(page.clients(1).client(), "b");
  EXPECT_TRUE(page.more());

  request.set_after("b");
  page = ClientsPage(status, request);
  ASSERT_EQ(page.clients_size(), 1);
  EXPECT_EQ(page.clients(0).client(), "c");
  EXPECT_FALSE(page.more());
}

}  // namespace
}  // namespace fedgap
