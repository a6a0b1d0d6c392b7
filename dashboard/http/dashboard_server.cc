#include "dashboard/http/dashboard_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

#include "common/http/http_listener.h"
#include "common/http/limited_server.h"
#include "dashboard/http/view_hub.h"
#include "dashboard/page/page.h"

namespace fedgap {
namespace {

using httplib::Request;
using httplib::Response;

// Proxies and browsers give a silent connection up after half a minute.
constexpr std::chrono::seconds kHeartbeat{15};
constexpr time_t kRequestSeconds = 5;
constexpr time_t kWriteSeconds = 10;
constexpr std::size_t kThreadsBesidePages = 8;
constexpr std::size_t kMaxWaiting = 64;
// Prometheus' text exposition format.
constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// Without a stop at the first byte that differs.
bool IsSame(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned char>(a[i] ^ other);
  }
  return difference == 0;
}

// "host", "host:port", "[v6]:port" -> the host.
std::string_view HostOf(std::string_view header) {
  if (header.starts_with('[')) {
    return header.substr(1, header.find(']') - 1);
  }
  return header.substr(0, header.find(':'));
}
bool IsLoopbackName(std::string_view host) {
  const bool is_v4 =
      host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" ||
         (is_v4 && host.starts_with("127."));
}

class HttpDashboard final : public DashboardServer {
 public:
  HttpDashboard(const Options& options, std::unique_ptr<ViewHub> hub)
      : options_(options),
        hub_(std::move(hub)),
        page_(MakePage(R"({"live":true,"runs":[]})", PageUse::kServed)) {
    const auto threads =
        static_cast<std::size_t>(options_.max_pages) + kThreadsBesidePages;
    server_ = MakeLimitedServer(
        options.identity,
        {.sockets = {.threads = threads, .max_waiting = kMaxWaiting},
         .request = std::chrono::seconds(kRequestSeconds),
         .write = std::chrono::seconds(kWriteSeconds)});
    Configure();
    listener_ = std::make_unique<HttpListener>(*server_);
  }
  ~HttpDashboard() override {
    hub_->Stop();
    listener_.reset();
  }

  Status Listen() {
    return listener_->Start(options_.host, options_.port,
                            options_.identity.string());
  }

  int port() const override { return listener_->port(); }
  std::string url() const override {
    const bool is_v6 = options_.host.find(':') != std::string::npos;
    return fmt::format(
        "{}://{}:{}/{}", options_.identity.empty() ? "http" : "https",
        is_v6 ? "[" + options_.host + "]" : options_.host, port(),
        options_.token.empty() ? ""
        : options_.shows_token ? "?token=" + options_.token
                               : "?token=...");
  }

 private:
  void Configure() {
    server_->set_payload_max_length(1024);
    server_->set_keep_alive_timeout(kRequestSeconds);  // what it tells
    server_->set_default_headers(
        {{"Cache-Control", "no-store"},
         {"Content-Security-Policy", "frame-ancestors 'none'"},
         {"Referrer-Policy", "no-referrer"},
         {"X-Content-Type-Options", "nosniff"}});
    server_->set_pre_routing_handler(
        [this](const Request& request, Response& response) {
          return Admit(request, response);
        });
    server_->Get("/", [this](const Request&, Response& response) {
      response.set_content(page_, "text/html; charset=utf-8");
    });
    server_->Get("/events", [this](const Request&, Response& response) {
      Stream(response);
    });
    if (options_.metrics) {
      server_->Get("/metrics", [this](const Request&, Response& response) {
        response.set_content(options_.metrics(), kMetricsType);
      });
    }
    server_->Get("/healthz", [](const Request&, Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server_->Get("/readyz", [this](const Request&, Response& response) {
      const bool is_ready = hub_->is_ready();
      response.status = is_ready ? 200 : 503;
      response.set_content(is_ready ? "ok\n" : "reading the logs\n",
                           "text/plain");
    });
  }

  httplib::Server::HandlerResponse Admit(const Request& request,
                                         Response& response) const {
    const auto refuse = [&response](int status, const char* why) {
      response.status = status;
      response.set_content(why, "text/plain");
      return httplib::Server::HandlerResponse::Handled;
    };
    if (request.method != "GET" && request.method != "HEAD") {
      return refuse(405, "the dashboard is read-only\n");
    }
    if (options_.is_loopback &&
        !IsLoopbackName(HostOf(request.get_header_value("Host")))) {
      return refuse(403, "ask for it as localhost or 127.0.0.1\n");
    }
    const bool is_open =
        request.path == "/healthz" || request.path == "/readyz";
    if (!is_open && !HasToken(request)) {
      return refuse(401, "add ?token=..., as the program printed it\n");
    }
    return httplib::Server::HandlerResponse::Unhandled;
  }

  bool HasToken(const Request& request) const {
    if (options_.token.empty()) return true;
    if (IsSame(request.get_param_value("token"), options_.token)) return true;
    return IsSame(request.get_header_value("Authorization"),
                  "Bearer " + options_.token);
  }

  void Stream(Response& response) {
    if (++pages_ > options_.max_pages) {
      --pages_;
      response.status = 503;
      response.set_content("too many pages are open\n", "text/plain");
      return;
    }
    auto reader = std::make_shared<ViewHub::Reader>(hub_->NewReader());
    response.set_chunked_content_provider(
        "text/event-stream",
        [this, reader](std::size_t offset, httplib::DataSink& sink) {
          return Push(offset == 0, *reader, sink);
        },
        [this](bool) { --pages_; });
  }

  // Sends what the reader has not got, waiting for it; false ends the stream.
  bool Push(bool is_first, ViewHub::Reader& reader, httplib::DataSink& sink) {
    const auto send = [&sink](std::string_view text) {
      return sink.write(text.data(), text.size());
    };
    if (is_first) {
      if (!send("retry: 2000\n\n")) return false;
    } else if (!hub_->WaitForNews(reader, kHeartbeat)) {
      return !hub_->stopped() && send(": still here\n\n");
    }
    for (std::size_t i = 0; i < hub_->size(); ++i) {
      const bool reset = !reader.seen[i].has_value();
      const std::string run = hub_->News(i, reader);
      if (hub_->stopped()) return false;
      if (run.empty()) continue;
      const std::string message = fmt::format(
          "data: {{\"index\":{},\"reset\":{},\"run\":{}}}\n\n", i, reset, run);
      if (!send(message)) return false;
    }
    return true;
  }

  const Options options_;
  std::unique_ptr<ViewHub> hub_;
  const std::string page_;
  std::unique_ptr<httplib::Server> server_;
  std::unique_ptr<HttpListener> listener_;
  std::atomic<int> pages_ = 0;
};

}  // namespace

StatusOr<std::unique_ptr<DashboardServer>> DashboardServer::Start(
    const Options& options, const std::vector<std::filesystem::path>& logs) {
  FEDGAP_ASSIGN_OR_RETURN(auto hub, ViewHub::Open(logs));
  auto server = std::make_unique<HttpDashboard>(options, std::move(hub));
  FEDGAP_RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<DashboardServer>(std::move(server));
}

}  // namespace fedgap
