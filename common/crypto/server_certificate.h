// A look at the certificate that a TLS server shows.
#ifndef FEDGAP_COMMON_CRYPTO_SERVER_CERTIFICATE_H_
#define FEDGAP_COMMON_CRYPTO_SERVER_CERTIFICATE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/crypto/certificate.h"

namespace fedgap {

// Connects to `host` (a name or an address, IPv6 without brackets), goes
// through the handshake as far as the server's certificate and hangs up. Judges
// nothing, sends nothing and shows no certificate: it is for finding out why a
// real connection failed, whose library does not say. Blocks, at most twice the
// timeout. UNAVAILABLE: nobody is there (at once, in
// the system's words), or does not answer as a TLS server in time;
// FAILED_PRECONDITION: somebody answers in another protocol than TLS.
StatusOr<Certificate> FetchServerCertificate(const std::string& host,
                                             std::uint16_t port,
                                             std::chrono::seconds timeout);

struct ShownByServer {
  std::vector<Certificate> chain;  // the server's own certificate first
  // It wants to know who the client is.
  bool asks_for_certificate = false;
};

// All that the server shows. The same otherwise.
StatusOr<ShownByServer> LookAtServer(const std::string& host,
                                     std::uint16_t port,
                                     std::chrono::seconds timeout);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_SERVER_CERTIFICATE_H_
