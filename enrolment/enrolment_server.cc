#include "enrolment/enrolment_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace fedgap {
namespace {

using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

constexpr std::size_t kMaxRequestBytes = 16 << 10;
constexpr time_t kTimeoutSeconds = 5;
constexpr std::size_t kThreads = 8;

class HttpsEnrolment final : public EnrolmentServer {
 public:
  HttpsEnrolment(const Options& options, Enrolment& enrolment,
                 const Clock& clock)
      : options_(options),
        enrolment_(enrolment),
        clock_(clock),
        server_(options.identity.c_str(), options.identity.c_str()) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_payload_max_length(kMaxRequestBytes);
    server_.set_read_timeout(kTimeoutSeconds);
    server_.set_write_timeout(kTimeoutSeconds);
    server_.set_keep_alive_max_count(1);
    server_.Post("/v1/enrol",
                 [this](const Request& request, Response& response) {
                   Answer(request, response);
                 });
    server_.Get("/healthz", [](const Request&, Response& response) {
      response.set_content("ok\n", "text/plain");
    });
  }
  ~HttpsEnrolment() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status Listen() {
    if (!server_.is_valid()) {
      return absl::UnavailableError(
          fmt::format("{} holds no key and certificate that TLS takes",
                      options_.identity.string()));
    }
    if (options_.port == 0) {
      port_ = server_.bind_to_any_port(options_.host);
    } else if (server_.bind_to_port(options_.host, options_.port)) {
      port_ = options_.port;
    }
    if (port_ <= 0) {
      return absl::UnavailableError(fmt::format(
          "cannot listen on {}:{}: is the port taken, or the address not of "
          "this machine?",
          options_.host, options_.port));
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // A stop() before it runs would be lost; the library tells by this alone.
    while (!server_.is_running()) std::this_thread::yield();
    return absl::OkStatus();
  }
  int port() const override { return port_; }

 private:
  void Answer(const Request& request, Response& response) {
    const StatusOr<Certificate> certificate = Enrol(request.body);
    if (!certificate.ok()) {
      const Status& status = certificate.status();
      response.status = absl::IsPermissionDenied(status)  ? 403
                        : absl::IsInvalidArgument(status) ? 400
                                                          : 500;
      response.set_content(MessageOf(status) + "\n", "text/plain");
      options_.say(fmt::format("refused {}: {}", request.remote_addr,
                               MessageOf(status)));
      return;
    }
    response.set_content(Json{{"certificate", certificate->ToPem()}}.dump(),
                         "application/json");
    options_.say(fmt::format("enrolled {} from {}, serial {}",
                             certificate->CommonName(), request.remote_addr,
                             certificate->SerialNumber()));
  }

  StatusOr<Certificate> Enrol(const std::string& body) {
    const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("token") ||
        !json["token"].is_string() || !json.contains("request") ||
        !json["request"].is_string()) {
      return absl::InvalidArgumentError(
          "an enrolment is an object with the texts `token` and `request`");
    }
    FEDGAP_ASSIGN_OR_RETURN(
        const CertificateRequest request,
        CertificateRequest::FromPem(json["request"].get<std::string>()));
    return enrolment_.Enrol(json["token"].get<std::string>(), request,
                            clock_.WallNow());
  }

  const Options options_;
  Enrolment& enrolment_;
  const Clock& clock_;
  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace

StatusOr<std::unique_ptr<EnrolmentServer>> EnrolmentServer::Start(
    const Options& options, Enrolment& enrolment, const Clock& clock) {
  auto server = std::make_unique<HttpsEnrolment>(options, enrolment, clock);
  FEDGAP_RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<EnrolmentServer>(std::move(server));
}

}  // namespace fedgap
