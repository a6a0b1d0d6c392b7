// Enrolment over HTTPS, on a port of its own, beside the authority's key.
#ifndef FEDGAP_ENROLMENT_ENROLMENT_SERVER_H_
#define FEDGAP_ENROLMENT_ENROLMENT_SERVER_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "enrolment/enrolment.h"

namespace fedgap {

// Answers
//   POST /v1/enrol   {"token": SECRET, "request": PEM of a PKCS #10 request}
//                    with {"certificate": PEM}; 400 for what is none, 403 with
//                    the reason for a token that does not count
//   GET  /healthz    200
// and nothing else. It shows its certificate and the authority's: a site knows
// the latter by the fingerprint in its token. It asks for no certificate.
// Eight connections are answered at a time; each has five seconds to say its
// request and as many to take the answer. 64 wait for their turn, more are
// closed.
class EnrolmentServer {
 public:
  struct Options {
    std::string host = "0.0.0.0";
    int port = 0;  // 0: a free one
    // PEM: key, the server's certificate, the authority's.
    std::filesystem::path identity;
    // Told what was issued to whom and what was refused, a line each; from any
    // thread.
    std::function<void(const std::string&)> say;
  };

  // Serves from its own threads until it is destroyed; both references must
  // outlive it. UNAVAILABLE if the address cannot be listened on.
  static StatusOr<std::unique_ptr<EnrolmentServer>> Start(
      const Options& options, Enrolment& enrolment, const Clock& clock);
  virtual ~EnrolmentServer() = default;
  virtual int port() const = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_ENROLMENT_ENROLMENT_SERVER_H_
