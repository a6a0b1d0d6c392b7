#include "dashboard/http/dashboard_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/tls_files.h"
#include "tests/testing/golden_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

class DashboardServerTest : public ::testing::Test {
 protected:
  DashboardServerTest() { Append(GoldenLog(11)); }
  void Append(const std::string& text) {
    std::ofstream(file_, std::ios::app) << text;
  }
  void Start(const DashboardServer::Options& options = {}) {
    auto server = DashboardServer::Start(options, {file_});
    ASSERT_OK(server);
    server_ = *std::move(server);
  }
  httplib::Client Client() const {
    return httplib::Client("127.0.0.1", server_->port());
  }
  // Reads the stream until `take` has had enough of its messages.
  void Listen(const std::function<bool(const Json&)>& take) const {
    httplib::Client client = Client();
    client.set_read_timeout(60);
    std::string text;
    const std::string kData = "data: ";
    client.Get("/events", [&](const char* data, std::size_t size) {
      text.append(data, size);
      for (auto end = text.find("\n\n"); end != text.npos;
           end = text.find("\n\n")) {
        const std::string message = text.substr(0, end);
        text.erase(0, end + 2);
        if (!message.starts_with(kData)) continue;
        if (!take(Json::parse(message.substr(kData.size())))) return false;
      }
      return true;
    });
  }

  TempDir dir_;
  std::filesystem::path file_ = dir_ / "events-000001.jsonl";
  std::unique_ptr<DashboardServer> server_;
};

TEST_F(DashboardServerTest, ServesThePageAndNothingElse) {
  Start();
  httplib::Client client = Client();
  const auto page = client.Get("/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_THAT(page->body, HasSubstr("connect-src 'self'"));
  EXPECT_THAT(page->body, Not(HasSubstr("golden"))) << "data comes by /events";
  EXPECT_EQ(page->get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(page->get_header_value("Content-Security-Policy"),
              HasSubstr("frame-ancestors 'none'"));
  EXPECT_EQ(client.Get("/etc/passwd")->status, 404);
  EXPECT_EQ(client.Get("/../../etc/passwd")->status, 404);
  EXPECT_EQ(client.Post("/", "x", "text/plain")->status, 405);
  EXPECT_EQ(client.Delete("/")->status, 405);
  EXPECT_EQ(client.Get("/healthz")->body, "ok\n");
}

TEST_F(DashboardServerTest, PushesTheRunAndThenWhatIsNew) {
  Start();
  std::vector<Json> messages;
  Listen([&](const Json& message) {
    messages.push_back(message);
    if (messages.size() == 1) {
      Append(GoldenLog().substr(GoldenLog(11).size()));
    }
    return message["run"]["state"]["phase"] != "finished";
  });
  ASSERT_GE(messages.size(), 2U);
  EXPECT_EQ(messages[0]["index"], 0);
  EXPECT_EQ(messages[0]["reset"], true);
  EXPECT_EQ(messages[0]["run"]["rounds"]["round"], Json({1}));
  EXPECT_EQ(messages[1]["reset"], false);
  EXPECT_EQ(messages[1]["run"]["events"]["rows"][0][0], 12);
  EXPECT_EQ(Client().Get("/readyz")->status, 200);
}

TEST_F(DashboardServerTest, AnswersOnlyToALoopbackName) {
  Start();
  httplib::Client client = Client();
  const auto host = [&client](const std::string& name) {
    return client.Get("/", httplib::Headers{{"Host", name}})->status;
  };
  EXPECT_EQ(host("evil.example:8080"), 403);
  EXPECT_EQ(host("127.0.0.1.evil.example"), 403);
  EXPECT_EQ(host("localhost:8080"), 200);
  EXPECT_EQ(host("[::1]:8080"), 200);
}

TEST_F(DashboardServerTest, AsksForItsToken) {
  Start({.token = "0123456789abcdef", .is_loopback = false});
  EXPECT_THAT(server_->url(), HasSubstr("/?token=0123456789abcdef"));
  Start({.token = "0123456789abcdef", .shows_token = false});
  EXPECT_THAT(server_->url(), Not(HasSubstr("0123")));
  httplib::Client client = Client();
  EXPECT_EQ(client.Get("/")->status, 401);
  EXPECT_EQ(client.Get("/?token=0123456789abcdee")->status, 401);
  EXPECT_EQ(client.Get("/?token=")->status, 401);
  EXPECT_EQ(client.Get("/events")->status, 401);
  EXPECT_EQ(client.Get("/?token=0123456789abcdef")->status, 200);
  EXPECT_EQ(client
                .Get("/", httplib::Headers{{"Authorization",
                                            "Bearer 0123456789abcdef"}})
                ->status,
            200);
  EXPECT_EQ(client.Get("/healthz")->status, 200) << "open to probes";
}

TEST_F(DashboardServerTest, GivesMetricsWhereThereAreAny) {
  Start();
  EXPECT_EQ(Client().Get("/metrics")->status, 404);
  int asked = 0;
  Start(
      {.metrics = [&asked] { return "up " + std::to_string(++asked) + "\n"; }});
  EXPECT_EQ(Client().Get("/metrics")->body, "up 1\n");
  const auto again = Client().Get("/metrics");
  EXPECT_EQ(again->body, "up 2\n");
  EXPECT_THAT(again->get_header_value("Content-Type"),
              StartsWith("text/plain; version=0.0.4"));
  EXPECT_EQ(Client().Head("/metrics")->status, 200);
  EXPECT_EQ(Client().Post("/metrics", "x", "text/plain")->status, 405);
}

TEST_F(DashboardServerTest, MetricsAreGuardedAsThePageIs) {
  const auto metrics = [] { return std::string("up 1\n"); };
  Start({.metrics = metrics});
  EXPECT_EQ(Client()
                .Get("/metrics", httplib::Headers{{"Host", "evil.example"}})
                ->status,
            403);
  Start({.token = "0123456789abcdef", .metrics = metrics});
  EXPECT_EQ(Client().Get("/metrics")->status, 401);
  const httplib::Headers bearer = {
      {"Authorization", "Bearer 0123456789abcdef"}};
  EXPECT_EQ(Client().Get("/metrics", bearer)->body, "up 1\n");
}

TEST_F(DashboardServerTest, SpeaksTlsWithTheProjectsCertificates) {
  const SystemClock clock;
  const auto authority =
      CertificateAuthority::Init({.federation = "fed"}, clock.WallNow());
  ASSERT_OK(authority);
  const auto credentials = authority->Issue(
      {.role = Role::kServer, .name = "server", .ip_addresses = {"127.0.0.1"}},
      clock.WallNow());
  ASSERT_OK(credentials);
  const TlsFiles files = TlsFilesIn(dir_.path());
  ASSERT_OK(WriteTlsFiles(files, *credentials, authority->certificate()));
  Start({.identity = files.identity});
  EXPECT_THAT(server_->url(), StartsWith("https://127.0.0.1:"));
  httplib::SSLClient client("127.0.0.1", server_->port());
  client.set_ca_cert_path(files.authority.c_str());
  client.enable_server_certificate_verification(true);
  const auto page = client.Get("/");
  ASSERT_TRUE(page) << httplib::to_string(page.error());
  EXPECT_EQ(page->status, 200);
  httplib::SSLClient older("127.0.0.1", server_->port());
  older.set_ca_cert_path(files.authority.c_str());
  SSL_CTX_set_max_proto_version(older.ssl_context(), TLS1_2_VERSION);
  EXPECT_FALSE(older.Get("/")) << "TLS 1.2";
}

TEST_F(DashboardServerTest, SaysWhenThePortIsTaken) {
  Start();
  const auto second =
      DashboardServer::Start({.port = server_->port()}, {file_});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("taken"));
}

TEST_F(DashboardServerTest, SaysWhenTooManyPagesAreOpen) {
  Start({.max_pages = 1});
  int status = 0;
  Listen([&](const Json&) {
    status = Client().Get("/events")->status;
    return false;
  });
  EXPECT_EQ(status, 503);
  EXPECT_EQ(Client().Get("/")->status, 200) << "the page itself is there";
}

TEST_F(DashboardServerTest, EndsWhilePagesAreOpen) {
  Start();
  std::promise<void> opened;
  std::thread reader([&] {
    Listen([&](const Json&) {
      opened.set_value();
      return true;
    });
  });
  opened.get_future().wait();
  server_.reset();
  reader.join();
}

}  // namespace
}  // namespace fedgap
