#include "enrolment/enrolment_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/http/http_listener.h"
#include "common/http/limited_server.h"
#include "enrolment/enrolment_message.h"

namespace fedgap {
namespace {

using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

constexpr std::size_t kMaxRequestBytes = 16 << 10;
constexpr HttpLimits kLimits{.sockets = {.threads = 8, .max_waiting = 64},
                             .request = std::chrono::seconds(5),
                             .write = std::chrono::seconds(5)};

class HttpsEnrolment final : public EnrolmentServer {
 public:
  HttpsEnrolment(const Options& options, Enrolment& enrolment,
                 const Clock& clock)
      : options_(options),
        enrolment_(enrolment),
        clock_(clock),
        server_(MakeLimitedServer(options.identity, kLimits)) {
    server_->set_payload_max_length(kMaxRequestBytes);
    server_->set_keep_alive_max_count(1);
    server_->Post("/v1/enrol",
                  [this](const Request& request, Response& response) {
                    Answer(request, response);
                  });
    server_->Get("/healthz", [](const Request&, Response& response) {
      response.set_content("ok\n", "text/plain");
    });
  }
  Status Listen() {
    return listener_.Start(options_.host, options_.port,
                           options_.identity.string());
  }
  int port() const override { return listener_.port(); }

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
    FEDGAP_ASSIGN_OR_RETURN(const EnrolmentMessage message,
                            ParseEnrolmentMessage(body));
    return enrolment_.Enrol(message.secret, message.request, clock_.WallNow());
  }

  const Options options_;
  Enrolment& enrolment_;
  const Clock& clock_;
  const std::unique_ptr<httplib::Server> server_;
  HttpListener listener_{*server_};  // last: ends before what it serves
};

}  // namespace

StatusOr<std::unique_ptr<EnrolmentServer>> EnrolmentServer::Start(
    const Options& options, Enrolment& enrolment, const Clock& clock) {
  auto server = std::make_unique<HttpsEnrolment>(options, enrolment, clock);
  FEDGAP_RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<EnrolmentServer>(std::move(server));
}

}  // namespace fedgap
