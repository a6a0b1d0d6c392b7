#include "common/rpc/channel_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/testing/identity_echo_server.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

const ServerAddress kLocal{"127.0.0.1", 1};
const ServerAddress kRemote{"server.example.org", 1};

// The integer arguments, by name.
std::map<std::string, int> IntegersOf(const grpc::ChannelArguments& arguments) {
  const grpc_channel_args c_arguments = arguments.c_channel_args();
  std::map<std::string, int> integers;
  for (std::size_t i = 0; i < c_arguments.num_args; ++i) {
    const grpc_arg& argument = c_arguments.args[i];
    if (argument.type == GRPC_ARG_INTEGER) {
      integers[argument.key] = argument.value.integer;
    }
  }
  return integers;
}

TEST(ChannelOptionsTest, PingAtTheAskedInterval) {
  const auto integers = IntegersOf(
      ClientChannelArguments(kRemote, {.interval = std::chrono::seconds(40)}));
  EXPECT_EQ(integers.at(GRPC_ARG_KEEPALIVE_TIME_MS), 40000);
  EXPECT_EQ(integers.at(GRPC_ARG_KEEPALIVE_TIMEOUT_MS), 10000);
  EXPECT_EQ(integers.at(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS), 1);
}

TEST(ChannelOptionsTest, PingNoOftenerThanTheServerBears) {
  const auto integers = IntegersOf(ClientChannelArguments(
      kRemote, {.interval = std::chrono::milliseconds(1)}));
  EXPECT_EQ(integers.at(GRPC_ARG_KEEPALIVE_TIME_MS),
            kMinKeepaliveInterval.count());
}

TEST(ChannelOptionsTest, BoundMessages) {
  const auto integers = IntegersOf(ClientChannelArguments(kRemote));
  EXPECT_EQ(integers.at(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH), 4 << 20);
  EXPECT_EQ(integers.at(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH), 4 << 20);
}

TEST(ChannelOptionsTest, UseAProxyForRemoteServersOnly) {
  EXPECT_EQ(
      IntegersOf(ClientChannelArguments(kLocal)).at(GRPC_ARG_ENABLE_HTTP_PROXY),
      0);
  EXPECT_EQ(IntegersOf(ClientChannelArguments(kRemote))
                .count(GRPC_ARG_ENABLE_HTTP_PROXY),
            0u);
}

TEST(ChannelOptionsTest, ConnectBothEnds) {
  const ServerAddress any{"127.0.0.1", 0};
  const IdentityEchoServer server(
      *ServerInsecureCredentials(any, InsecureScope::kLoopback));
  // The connection stands; nobody on it has an identity.
  EXPECT_THAT(CallIdentityEcho(server.address(),
                               *ChannelInsecureCredentials(
                                   server.address(), InsecureScope::kLoopback)),
              Fails(absl::StatusCode::kUnauthenticated,
                    ::testing::HasSubstr("no certificate")));
}

}  // namespace
}  // namespace fedgap
