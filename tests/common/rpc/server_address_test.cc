#include "common/rpc/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

TEST(ServerAddressTest, ParsesNamesAndAddresses) {
  for (const char* text : {"localhost:8470", "127.0.0.1:0", "[::1]:65535",
                           "fed-server_1.example.org:1"}) {
    ASSERT_OK_AND_ASSIGN(const ServerAddress address, ParseServerAddress(text));
    EXPECT_EQ(address.ToString(), text);
  }
  EXPECT_EQ(ParseServerAddress("[::1]:7")->host, "::1");
  EXPECT_EQ(ParseServerAddress("[::1]:7")->port, 7);
}

TEST(ServerAddressTest, RefusesTheRestWithTheForm) {
  for (const char* text :
       {"", "localhost", ":1", "localhost:", "localhost:x", "localhost:65536",
        "localhost:-1", "localhost: 1", "::1:1", "[::1:1", "[localhost]:1",
        "http://localhost:1", "a b:1"}) {
    EXPECT_THAT(
        ParseServerAddress(text),
        Fails(absl::StatusCode::kInvalidArgument, HasSubstr("HOST:PORT")))
        << text;
  }
}

TEST(ServerAddressTest, KnowsTheLoopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.10", "::1"}) {
    EXPECT_TRUE((ServerAddress{host, 1}.IsLoopback())) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1",
                           "127.0.0.1.example.org", "localhost.example.org"}) {
    EXPECT_FALSE((ServerAddress{host, 1}.IsLoopback())) << host;
  }
}

}  // namespace
}  // namespace fedgap
