// Over real sockets of the loopback.
#include "common/http/limited_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "common/http/http_listener.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr milliseconds kRequest{300};

// A connection of somebody who does not keep to the protocol.
class Peer {
 public:
  explicit Peer(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address),
                        sizeof address),
              0);
  }
  ~Peer() { ::close(socket_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool Say(std::string_view text) const {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // What comes until the server closes the connection.
  std::string HearAll() const {
    std::string all;
    char bytes[4096];
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(socket_, bytes, sizeof bytes, 0);
      if (got > 0) all.append(bytes, static_cast<std::size_t>(got));
    }
    return all;
  }
  bool IsClosedWithin(milliseconds time) const {
    pollfd entry{.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, static_cast<int>(time.count())) <= 0) return false;
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_PEEK) <= 0;
  }
  // Whether the server closes it although bytes keep coming.
  bool IsClosedWhileDripping(std::string_view byte) const {
    const auto end = steady_clock::now() + 40 * kRequest;
    while (steady_clock::now() < end) {
      if (!Say(byte) || IsClosedWithin(milliseconds(20))) return true;
    }
    return false;
  }

 private:
  const int socket_;
};

class LimitedServerTest : public testing::Test {
 protected:
  void Start(const HttpLimits& limits,
             const std::filesystem::path& identity = {}) {
    server_ = MakeLimitedServer(identity, limits);
    server_->Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("well", "text/plain");
    });
    server_->Get("/held",
                 [this](const httplib::Request&, httplib::Response& response) {
                   entered_.set_value();
                   release_.get_future().wait();
                   response.set_content("held", "text/plain");
                 });
    server_->Get(
        "/long", [](const httplib::Request&, httplib::Response& response) {
          const auto end = steady_clock::now() + 3 * kRequest;
          response.set_chunked_content_provider(
              "text/event-stream", [end](std::size_t, httplib::DataSink& sink) {
                sink.write(":", 1);
                ::poll(nullptr, 0, 10);
                if (steady_clock::now() >= end) {
                  sink.write("last", 4);
                  sink.done();
                }
                return true;
              });
        });
    server_->Get(
        "/large", [](const httplib::Request&, httplib::Response& response) {
          response.set_content(std::string(64 << 20, 'x'), "text/plain");
        });
    listener_ = std::make_unique<HttpListener>(*server_);
    ASSERT_OK(listener_->Start("127.0.0.1", 0, identity.string()));
  }
  std::filesystem::path Identity() {
    const Credentials own = authority_.IssueCredentials(
        {.role = Role::kServer, .name = "s", .ip_addresses = {"127.0.0.1"}});
    EXPECT_OK(WriteFileAtomic(dir_ / "identity.pem",
                              own.key.ToPem() + own.certificate.ToPem()));
    return dir_ / "identity.pem";
  }
  int port() const { return listener_->port(); }
  std::string Get(const std::string& path) const {
    httplib::Client client("127.0.0.1", port());
    client.set_read_timeout(60);
    const auto answer = client.Get(path);
    return answer ? answer->body : httplib::to_string(answer.error());
  }

  TempDir dir_;
  TestAuthority authority_;
  std::promise<void> entered_;
  std::promise<void> release_;
  std::unique_ptr<httplib::Server> server_;
  std::unique_ptr<HttpListener> listener_;
};

TEST_F(LimitedServerTest, AnswersOneRequestAfterAnotherOnAConnection) {
  Start({.sockets = {.threads = 1}});
  httplib::Client client("127.0.0.1", port());
  client.set_keep_alive(true);
  for (int i = 0; i < 7; ++i) {
    const auto answer = client.Get("/");
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->body, "well");
  }
}

TEST_F(LimitedServerTest, SpeaksTls) {
  Start({.sockets = {.threads = 1}}, Identity());
  httplib::SSLClient client("127.0.0.1", port());
  client.enable_server_certificate_verification(false);
  client.set_keep_alive(true);
  for (int i = 0; i < 2; ++i) {
    const auto answer = client.Get("/");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "well");
  }
  const auto large = client.Get("/large");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->body.size(), std::size_t{64} << 20);
}

// The only thread is free for others then.
TEST_F(LimitedServerTest, ARequestThatDripsInIsCutOff) {
  Start({.sockets = {.threads = 1}, .request = kRequest});
  for (const char* begin : {"GET / HTTP/1.1\r\nX: ", "GET /",
                            "POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n"}) {
    const Peer peer(port());
    ASSERT_TRUE(peer.Say(begin));
    EXPECT_TRUE(peer.IsClosedWhileDripping("a")) << begin;
    EXPECT_EQ(Get("/"), "well");
  }
}

TEST_F(LimitedServerTest, AHandshakeThatDripsInIsCutOff) {
  Start({.sockets = {.threads = 1}, .request = kRequest}, Identity());
  const Peer peer(port());
  // The head of a record of 16 KiB, whose bytes follow one at a time.
  ASSERT_TRUE(peer.Say(std::string_view("\x16\x03\x01\x40\x00\x01\x00", 7)));
  EXPECT_TRUE(peer.IsClosedWhileDripping(std::string_view("\0", 1)));
}

TEST_F(LimitedServerTest, AConnectionThatSaysNothingMoreIsClosed) {
  Start({.sockets = {.threads = 1}, .request = kRequest});
  const Peer silent(port());
  EXPECT_EQ(silent.HearAll(), "");
  const Peer kept(port());
  ASSERT_TRUE(kept.Say("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_THAT(kept.HearAll(), HasSubstr("well"));
}

TEST_F(LimitedServerTest, AnAnswerOfManyPiecesOutlivesTheRequestsTime) {
  Start({.sockets = {.threads = 1}, .request = kRequest, .write = kRequest});
  EXPECT_THAT(Get("/long"), testing::EndsWith("last"));
}

TEST_F(LimitedServerTest, AnAnswerThatNobodyTakesIsCutOff) {
  Start({.sockets = {.threads = 1},
         .write = kRequest,
         .least_bytes_per_second = 1 << 30});
  const Peer peer(port());
  ASSERT_TRUE(peer.Say("GET /large HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(Get("/"), "well") << "the only thread is free again";
  EXPECT_LT(peer.HearAll().size(), std::size_t{64} << 20);
}

TEST_F(LimitedServerTest, HeadersWithoutEndAreCutOff) {
  Start({.sockets = {.threads = 1},
         .request = std::chrono::seconds(60),
         .max_request_bytes = 10'000});
  const Peer peer(port());
  peer.Say("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 2'000 && peer.Say("X: y\r\n"); ++i) {
  }
  EXPECT_THAT(peer.HearAll(), testing::Not(HasSubstr("well")));
}

TEST_F(LimitedServerTest, SoManyWaitAndMoreAreClosed) {
  Start({.sockets = {.threads = 1, .max_waiting = 2},
         .request = std::chrono::seconds(60)});
  const Peer held(port());
  ASSERT_TRUE(held.Say("GET /held HTTP/1.1\r\nConnection: close\r\n\r\n"));
  entered_.get_future().wait();
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(std::make_unique<Peer>(port()));
    peers.back()->Say("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  }
  for (int i = 2; i < 5; ++i) EXPECT_EQ(peers[i]->HearAll(), "") << i;
  EXPECT_FALSE(peers[0]->IsClosedWithin(milliseconds(0)));
  EXPECT_FALSE(peers[1]->IsClosedWithin(milliseconds(0)));
  release_.set_value();
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(peers[i]->HearAll(), HasSubstr("well")) << i;
  }
}

TEST_F(LimitedServerTest, StoppingWaitsForNoRequest) {
  Start({.sockets = {.threads = 1, .max_waiting = 8},
         .request = std::chrono::hours(1)});
  const Peer served(port());
  ASSERT_TRUE(served.Say("GET / HTTP/1.1\r\nX: "));
  const Peer waiting(port());
  listener_.reset();
  EXPECT_THAT(served.HearAll(), testing::Not(HasSubstr("well")));
  EXPECT_EQ(waiting.HearAll(), "");
}

TEST_F(LimitedServerTest, AnIdentityThatIsNoneIsTold) {
  ASSERT_OK(WriteFileAtomic(dir_ / "none.pem", std::string_view("rubbish")));
  server_ = MakeLimitedServer(dir_ / "none.pem", {});
  HttpListener listener(*server_);
  EXPECT_THAT(listener.Start("127.0.0.1", 0, "none.pem"),
              Fails(absl::StatusCode::kUnavailable, HasSubstr("none.pem")));
}

}  // namespace
}  // namespace fedgap
