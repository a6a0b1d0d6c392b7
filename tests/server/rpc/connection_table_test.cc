#include "server/rpc/connection_table.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/status.h"

namespace fedgap {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Both ends of a connection over the loopback. The server's end is read by
// nobody, as the kernel keeps what comes.
class Pair {
 public:
  Pair() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* at = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    FEDGAP_CHECK(::bind(listener, at, length) == 0);
    FEDGAP_CHECK(::listen(listener, 1) == 0);
    FEDGAP_CHECK(::getsockname(listener, at, &length) == 0);
    client_ = ::socket(AF_INET, SOCK_STREAM, 0);
    FEDGAP_CHECK(::connect(client_, at, length) == 0);
    server_ = ::accept(listener, nullptr, nullptr);
    FEDGAP_CHECK(::getsockname(client_, at, &length) == 0);
    peer_ = fmt::format("ipv4:127.0.0.1:{}", ntohs(address.sin_port));
    ::close(listener);
  }
  ~Pair() {
    CloseServer();
    ::close(client_);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  int server() const { return server_; }
  const std::string& peer() const { return peer_; }
  void CloseServer() {
    if (server_ >= 0) ::close(server_);
    server_ = -1;
  }
  // Returns when the kernel has it.
  void Send(std::size_t bytes) {
    const std::string text(bytes, 'x');
    FEDGAP_CHECK(::send(client_, text.data(), bytes, 0) ==
                 static_cast<ssize_t>(bytes));
    std::string got(bytes, ' ');
    FEDGAP_CHECK(::recv(server_, got.data(), bytes, MSG_WAITALL) ==
                 static_cast<ssize_t>(bytes));
  }
  bool IsShutDown() const {
    char byte = 0;
    return ::recv(client_, &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  int client_ = -1;
  int server_ = -1;
  std::string peer_;
};

class ConnectionTableTest : public testing::Test {
 protected:
  ConnectionTable MakeTable(const ConnectionTable::Options& options) {
    return ConnectionTable(options,
                           [this](const std::string& peer, const Status& why) {
                             warnings_.push_back(peer + ": " + MessageOf(why));
                           });
  }
  std::vector<std::string> warnings_;
};

TEST_F(ConnectionTableTest, CountsTheOpenOnes) {
  ConnectionTable table = MakeTable({});
  Pair a;
  Pair b;
  EXPECT_TRUE(table.Add(a.server()));
  EXPECT_TRUE(table.Add(b.server()));
  EXPECT_EQ(table.size(), 2U);
  a.CloseServer();
  table.Check();
  EXPECT_EQ(table.size(), 1U);
}

TEST_F(ConnectionTableTest, AStrangerMakesRoomForTheNext) {
  ConnectionTable table = MakeTable({.connections = 2});
  Pair member;
  Pair stranger;
  Pair next;
  ASSERT_TRUE(table.Add(member.server()));
  ASSERT_TRUE(table.Add(stranger.server()));
  table.Know(member.peer(), {"alice"});
  EXPECT_TRUE(table.Add(next.server()));
  EXPECT_FALSE(member.IsShutDown());
  EXPECT_TRUE(stranger.IsShutDown());
  EXPECT_EQ(table.size(), 2U);
}

TEST_F(ConnectionTableTest, NobodyMakesRoomWhoHasMadeACall) {
  ConnectionTable table = MakeTable({.connections = 1});
  Pair member;
  Pair next;
  ASSERT_TRUE(table.Add(member.server()));
  table.Know(member.peer(), {"alice"});
  EXPECT_FALSE(table.Add(next.server()));
  EXPECT_FALSE(member.IsShutDown());
}

TEST_F(ConnectionTableTest, AClientHasAFewConnections) {
  ConnectionTable table = MakeTable({.connections_of_client = 2});
  Pair first;
  Pair second;
  Pair third;
  Pair of_bob;
  for (Pair* pair : {&first, &second, &third, &of_bob}) {
    ASSERT_TRUE(table.Add(pair->server()));
  }
  table.Know(of_bob.peer(), {"bob"});
  table.Know(first.peer(), {"alice"});
  table.Know(second.peer(), {"alice"});
  table.Know(first.peer(), {"alice"});
  EXPECT_FALSE(first.IsShutDown());
  table.Know(third.peer(), {"alice"});
  EXPECT_TRUE(first.IsShutDown());
  EXPECT_FALSE(second.IsShutDown());
  EXPECT_FALSE(third.IsShutDown());
  EXPECT_FALSE(of_bob.IsShutDown());
}

TEST_F(ConnectionTableTest, WhatNoCallReceivesIsHeldAgainstAConnection) {
  ConnectionTable table = MakeTable({.unread_bytes_of_connection = 50'000});
  Pair honest;
  Pair hostile;
  ASSERT_TRUE(table.Add(honest.server()));
  ASSERT_TRUE(table.Add(hostile.server()));
  const auto traffic = table.Know(honest.peer(), {"alice"});
  table.Know(hostile.peer(), {"mallory"});
  for (int i = 0; i < 3; ++i) {
    honest.Send(20'000);
    hostile.Send(20'000);
    EXPECT_FALSE(hostile.IsShutDown());
    traffic->Received(20'000);
    table.Check();
  }
  EXPECT_FALSE(honest.IsShutDown());
  EXPECT_TRUE(hostile.IsShutDown());
  EXPECT_THAT(warnings_,
              ElementsAre(HasSubstr("connection of mallory was shut down")));
}

TEST_F(ConnectionTableTest, WhatTheServerBrokeOffIsForgiven) {
  ConnectionTable table = MakeTable({.unread_bytes_of_connection = 50'000});
  Pair pair;
  ASSERT_TRUE(table.Add(pair.server()));
  const auto traffic = table.Know(pair.peer(), {"alice"});
  for (int i = 0; i < 3; ++i) {
    pair.Send(40'000);
    table.Check();
    traffic->Forgive();
    table.Check();
  }
  EXPECT_FALSE(pair.IsShutDown());
}

TEST_F(ConnectionTableTest, NobodySavesUpForLater) {
  ConnectionTable table = MakeTable({.unread_bytes_of_connection = 50'000});
  Pair pair;
  ASSERT_TRUE(table.Add(pair.server()));
  table.Know(pair.peer(), {"mallory"})->Received(1'000'000);
  table.Check();
  pair.Send(60'000);
  table.Check();
  EXPECT_TRUE(pair.IsShutDown());
}

TEST_F(ConnectionTableTest, TooMuchInAllTakesTheLargest) {
  ConnectionTable table = MakeTable({.unread_bytes = 50'000});
  Pair small;
  Pair large;
  ASSERT_TRUE(table.Add(small.server()));
  ASSERT_TRUE(table.Add(large.server()));
  small.Send(20'000);
  large.Send(25'000);
  table.Check();
  EXPECT_THAT(warnings_, IsEmpty());
  large.Send(10'000);
  table.Check();
  EXPECT_FALSE(small.IsShutDown());
  EXPECT_TRUE(large.IsShutDown());
}

TEST_F(ConnectionTableTest, AClosedDescriptorMayBeAnothersNow) {
  ConnectionTable table = MakeTable({.connections = 1});
  auto gone = std::make_unique<Pair>();
  ASSERT_TRUE(table.Add(gone->server()));
  const int descriptor = gone->server();
  Pair other;  // somebody else's, not in the table
  gone->CloseServer();
  ASSERT_EQ(::dup2(other.server(), descriptor), descriptor);
  Pair next;
  EXPECT_TRUE(table.Add(next.server()));
  EXPECT_FALSE(other.IsShutDown());
  ::close(descriptor);
}

}  // namespace
}  // namespace fedgap
