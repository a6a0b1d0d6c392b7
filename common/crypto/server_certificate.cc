#include "common/crypto/server_certificate.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <cstring>
#include <ctime>
#include <utility>

#include "common/base/check.h"
#include "common/base/without_sigpipe.h"
#include "common/crypto/openssl_handles.h"

namespace fedgap {
namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, openssl::Deleter<SSL_CTX_free>>;

// What OpenSSL makes of a first record that is none.
bool IsAnotherProtocol(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_HTTP_REQUEST:
      return true;
    default:
      return false;
  }
}

bool IsIpAddress(const std::string& host) {
  const std::unique_ptr<ASN1_OCTET_STRING,
                        openssl::Deleter<ASN1_OCTET_STRING_free>>
      address(a2i_IPADDRESS(host.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

// Takes over `connection`, which is connected.
openssl::BioPtr StartTls(SSL_CTX* context, const std::string& host,
                         openssl::BioPtr connection) {
  openssl::BioPtr tls(BIO_new_ssl(context, /*client=*/1));
  FEDGAP_CHECK(tls != nullptr);
  SSL* ssl = nullptr;
  BIO_get_ssl(tls.get(), &ssl);
  FEDGAP_CHECK(ssl != nullptr);
  // Proxies choose the server by it.
  if (!IsIpAddress(host)) SSL_set_tlsext_host_name(ssl, host.c_str());
  BIO_push(tls.get(), connection.release());
  return tls;
}

// The oldest entry of the error queue, which is then emptied: of the system
// and of the resolver in their own words.
std::string TakeConnectError() {
  const char* data = nullptr;
  int flags = 0;
  const unsigned long code =
      ERR_peek_error_all(nullptr, nullptr, nullptr, &data, &flags);
  std::string text;
  if (ERR_SYSTEM_ERROR(code)) {
    text = std::strerror(ERR_GET_REASON(code));
  } else if (ERR_GET_REASON(code) == ERR_R_SYS_LIB &&
             (flags & ERR_TXT_STRING) != 0) {
    text = data;
  }
  const std::string reason = openssl::TakeError();
  return text.empty() ? reason : text;
}

// BIO_do_connect_retry would also try again where nobody listens.
Status Connect(BIO* connection, std::chrono::seconds timeout) {
  const std::time_t deadline = std::time(nullptr) + timeout.count();
  BIO_set_nbio(connection, 1);
  while (BIO_do_connect(connection) <= 0) {
    if (BIO_should_retry(connection) == 0) {
      return absl::UnavailableError(TakeConnectError());
    }
    if (BIO_wait(connection, deadline, /*nap_milliseconds=*/50) <= 0) {
      return absl::UnavailableError("Connection timed out");
    }
  }
  return absl::OkStatus();
}

// OpenSSL calls it when a server asks who the client is: nobody, but it is
// noted.
int NoteTheQuestion(SSL* ssl, X509** /*certificate*/, EVP_PKEY** /*key*/) {
  *static_cast<bool*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl))) = true;
  return 0;
}

}  // namespace

StatusOr<Certificate> FetchServerCertificate(const std::string& host,
                                             std::uint16_t port,
                                             std::chrono::seconds timeout) {
  FEDGAP_ASSIGN_OR_RETURN(ShownByServer shown,
                          LookAtServer(host, port, timeout));
  return std::move(shown.chain.front());
}

StatusOr<ShownByServer> LookAtServer(const std::string& host,
                                     std::uint16_t port,
                                     std::chrono::seconds timeout) {
  const WithoutSigpipe without_sigpipe;
  ERR_clear_error();
  const ContextPtr context(SSL_CTX_new(TLS_client_method()));
  openssl::BioPtr connection(BIO_new(BIO_s_connect()));
  FEDGAP_CHECK(context != nullptr && connection != nullptr);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  ShownByServer look;
  SSL_CTX_set_app_data(context.get(), &look.asks_for_certificate);
  SSL_CTX_set_client_cert_cb(context.get(), NoteTheQuestion);
  BIO_set_conn_hostname(connection.get(), host.c_str());
  BIO_set_conn_port(connection.get(), std::to_string(port).c_str());
  if (const Status status = Connect(connection.get(), timeout); !status.ok()) {
    return Annotate(status,
                    fmt::format("no connection to {} port {}", host, port));
  }
  const openssl::BioPtr tls =
      StartTls(context.get(), host, std::move(connection));
  const int handshake = BIO_do_connect_retry(
      tls.get(), static_cast<int>(timeout.count()), /*nap_milliseconds=*/50);
  SSL* ssl = nullptr;
  BIO_get_ssl(tls.get(), &ssl);
  // The certificate may be here though the handshake failed after it.
  const STACK_OF(X509)* shown = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(shown); ++i) {
    X509* certificate = sk_X509_value(shown, i);
    FEDGAP_CHECK(X509_up_ref(certificate) == 1);
    look.chain.emplace_back(certificate);
  }
  const bool is_other =
      handshake <= 0 && IsAnotherProtocol(ERR_peek_last_error());
  const std::string error = openssl::TakeError();
  if (!look.chain.empty()) return look;
  const std::string what = fmt::format(
      "{} port {} did not answer as a TLS server: {}", host, port, error);
  if (is_other) return absl::FailedPreconditionError(what);
  return absl::UnavailableError(what);
}

}  // namespace fedgap
