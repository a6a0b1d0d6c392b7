#include "server/rpc/call_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

const ClientName kAlice{"alice"};
const ClientName kBob{"bob"};

class CallLimitsTest : public testing::Test {
 protected:
  // How many calls of the client, each over at once, are let in before one is
  // not.
  static int Flood(CallLimits& limits, const ClientName& client) {
    int calls = 0;
    while (limits.Begin(client).ok()) ++calls;
    return calls;
  }

  ManualClock clock_;
  CallLimits limits_{{.calls_per_second = 3, .open_calls = 2}, clock_};
};

TEST_F(CallLimitsTest, TenSecondsWorthMayComeAtOnce) {
  EXPECT_EQ(Flood(limits_, kAlice), 30);
  EXPECT_THAT(limits_.Begin(kAlice),
              Fails(StatusCode::kResourceExhausted,
                    AllOf(HasSubstr("alice makes more than 3 calls a second"),
                          HasSubstr("server.max_calls_per_second"))));
}

TEST_F(CallLimitsTest, CallsComeBackWithTimeUpToTheBurst) {
  Flood(limits_, kAlice);
  clock_.Advance(std::chrono::milliseconds(2500));
  EXPECT_EQ(Flood(limits_, kAlice), 7);
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(Flood(limits_, kAlice), 30);
}

TEST_F(CallLimitsTest, ConnectingHasALimitOfItsOwn) {
  CallLimits limits({.calls_per_second = 1000, .open_calls = 0}, clock_);
  const auto connects = [&limits] {
    int calls = 0;
    while (limits.Begin(kAlice, CallLimits::Kind::kConnects).ok()) ++calls;
    return calls;
  };
  EXPECT_EQ(connects(), CallLimits::kConnectsAtOnce);
  EXPECT_THAT(limits.Begin(kAlice, CallLimits::Kind::kConnects),
              Fails(StatusCode::kResourceExhausted,
                    HasSubstr("alice connects more than 40 times, and then "
                              "more than once in 2.5 s")));
  EXPECT_OK(limits.Begin(kAlice));
  clock_.Advance(3 * CallLimits::kConnectInterval);
  EXPECT_EQ(connects(), 3);
}

TEST_F(CallLimitsTest, WithoutALimitOfCallsThereIsNoneOfConnecting) {
  CallLimits limits({.calls_per_second = 0}, clock_);
  for (int i = 0; i < 2 * CallLimits::kConnectsAtOnce; ++i) {
    EXPECT_OK(limits.Begin(kAlice, CallLimits::Kind::kConnects));
  }
}

TEST_F(CallLimitsTest, OneClientsFloodIsNotAnothersLoss) {
  Flood(limits_, kAlice);
  EXPECT_OK(limits_.Begin(kBob));
}

TEST_F(CallLimitsTest, EachTaskBringsItsCalls) {
  Flood(limits_, kAlice);
  limits_.ExpectCalls(kAlice);
  EXPECT_EQ(Flood(limits_, kAlice), CallLimits::kCallsPerTask);
}

// A round in a millisecond, with two calls in each.
TEST_F(CallLimitsTest, RoundsMayBeAsShortAsTheyLike) {
  for (int round = 0; round < 10'000; ++round) {
    limits_.ExpectCalls(kAlice);
    ASSERT_OK(limits_.Begin(kAlice));
    ASSERT_OK(limits_.Begin(kAlice));
    clock_.Advance(std::chrono::milliseconds(1));
  }
}

TEST_F(CallLimitsTest, TasksDoNotPileUpCalls) {
  for (int i = 0; i < 1000; ++i) limits_.ExpectCalls(kAlice);
  EXPECT_EQ(Flood(limits_, kAlice), 30);
}

TEST_F(CallLimitsTest, SoManyAreOpenAtATime) {
  ASSERT_OK_AND_ASSIGN(CallLimits::OpenCall first, limits_.Begin(kAlice));
  ASSERT_OK_AND_ASSIGN(const auto second, limits_.Begin(kAlice));
  EXPECT_THAT(limits_.Begin(kAlice),
              Fails(StatusCode::kResourceExhausted,
                    AllOf(HasSubstr("alice has 2 calls open"),
                          HasSubstr("server.max_open_calls"))));
  EXPECT_OK(limits_.Begin(kBob));
  const CallLimits::OpenCall copy = first;
  first.reset();
  EXPECT_THAT(limits_.Begin(kAlice), HasCode(StatusCode::kResourceExhausted))
      << "a copy is the same call";
}

TEST_F(CallLimitsTest, ARefusedCallCostsNothing) {
  ASSERT_OK_AND_ASSIGN(auto first, limits_.Begin(kAlice));
  ASSERT_OK_AND_ASSIGN(const auto second, limits_.Begin(kAlice));
  for (int i = 0; i < 100; ++i) limits_.Begin(kAlice).IgnoreError();
  first.reset();
  EXPECT_EQ(Flood(limits_, kAlice), 28);
}

TEST_F(CallLimitsTest, NoLimitIsNone) {
  CallLimits none({.calls_per_second = 0, .open_calls = 0}, clock_);
  std::vector<CallLimits::OpenCall> open;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_OK_AND_ASSIGN(open.emplace_back(), none.Begin(kAlice));
  }
}

// Without TLS a caller may take a new name for each call.
TEST_F(CallLimitsTest, ClientsWithAFullBucketAndNoCallAreForgotten) {
  ASSERT_OK_AND_ASSIGN(const auto open, limits_.Begin(kAlice));
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_OK(limits_.Begin({"name-" + std::to_string(i)}));
    clock_.Advance(std::chrono::milliseconds(100));
  }
  EXPECT_LE(limits_.clients(), 64U);
  ASSERT_OK_AND_ASSIGN(const auto second, limits_.Begin(kAlice));
  EXPECT_THAT(limits_.Begin(kAlice), HasCode(StatusCode::kResourceExhausted))
      << "one with an open call is remembered";
}

}  // namespace
}  // namespace fedgap
