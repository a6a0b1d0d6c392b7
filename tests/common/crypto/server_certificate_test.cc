#include "common/crypto/server_certificate.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <thread>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

// Ends each connection as it comes.
class ClosingListener {
 public:
  ClosingListener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(socket_, generic, length), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, generic, &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Accept(); });
  }
  ~ClosingListener() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  std::uint16_t port() const { return port_; }

 private:
  void Accept() const {
    while (true) {
      const int client = ::accept(socket_, nullptr, nullptr);
      if (client < 0) return;
      ::close(client);
    }
  }

  int socket_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// Writing to a connection that is gone raises SIGPIPE, which ends a process
// that does not expect it.
TEST(ServerCertificateTest, AConnectionThatIsClosedIsAnErrorAndNotTheEnd) {
  const ClosingListener listener;
  for (int i = 0; i < 6; ++i) {
    EXPECT_THAT(FetchServerCertificate("127.0.0.1", listener.port(),
                                       std::chrono::seconds(1)),
                HasCode(absl::StatusCode::kUnavailable));
  }
}

TEST(ServerCertificateTest, WhereNobodyIsItSaysSoAtOnce) {
  std::uint16_t port = 0;
  {
    const ClosingListener listener;
    port = listener.port();
  }
  constexpr std::chrono::seconds kLong{60};
  const auto started = std::chrono::steady_clock::now();
  EXPECT_THAT(
      FetchServerCertificate("127.0.0.1", port, kLong),
      Fails(absl::StatusCode::kUnavailable, HasSubstr("Connection refused")));
  EXPECT_THAT(FetchServerCertificate("no-such-host.invalid", port, kLong),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_LT(std::chrono::steady_clock::now() - started, kLong);
}

}  // namespace
}  // namespace fedgap
