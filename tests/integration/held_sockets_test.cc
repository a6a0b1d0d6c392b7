// The real programs while somebody holds more connections than the server may
// have descriptors.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"

namespace fedgap {
namespace {

// Connections that say nothing; closed at the end.
class HeldSockets {
 public:
  HeldSockets(int port, int count) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    for (int i = 0; i < count; ++i) {
      const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
      EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address),
                          sizeof address),
                0);
      sockets_.push_back(socket);
    }
  }
  ~HeldSockets() {
    for (const int socket : sockets_) ::close(socket);
  }
  HeldSockets(const HeldSockets&) = delete;
  HeldSockets& operator=(const HeldSockets&) = delete;

 private:
  std::vector<int> sockets_;
};

TEST_F(FederationPrograms, MoreConnectionsThanDescriptorsEndNothing) {
  std::vector<std::string> words = {"/usr/bin/prlimit", "--nofile=256:256"};
  for (const std::string& word : ServerWords("127.0.0.1:0")) {
    words.push_back(word);
  }
  Process server(words);
  ASSERT_TRUE(server.WaitForFile(dir_ / "port"));
  port_ = ReadFileText(dir_ / "port").value();
  port_.pop_back();
  const HeldSockets before(std::stoi(port_), 300);
  const auto clients = StartClients();
  ASSERT_TRUE(server.WaitForLine("round 1/3"));
  const HeldSockets later(std::stoi(port_), 300);
  for (const auto& client : clients) ExpectSuccess(*client);
  ExpectSuccess(server);
  ExpectTheUndisturbedAnswer();
}

}  // namespace
}  // namespace fedgap
