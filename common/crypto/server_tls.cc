#include "common/crypto/server_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <climits>

#include "common/base/check.h"

namespace fedgap {
namespace {

int LengthOf(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

bool ConfigureServerTls(ssl_ctx_st& context,
                        const std::filesystem::path& identity) {
  const char* file = identity.c_str();
  const bool done =
      SSL_CTX_set_min_proto_version(&context, TLS1_3_VERSION) == 1 &&
      SSL_CTX_use_certificate_chain_file(&context, file) == 1 &&
      SSL_CTX_use_PrivateKey_file(&context, file, SSL_FILETYPE_PEM) == 1 &&
      SSL_CTX_check_private_key(&context) == 1;
  ERR_clear_error();
  return done;
}

void ServerTlsSession::Free::operator()(ssl_st* session) const {
  SSL_free(session);
}

ServerTlsSession::ServerTlsSession(ssl_ctx_st& context, int socket)
    : session_(SSL_new(&context)) {
  FEDGAP_CHECK(session_ != nullptr);
  FEDGAP_CHECK(SSL_set_fd(session_.get(), socket) == 1);
}

ServerTlsSession::~ServerTlsSession() { ERR_clear_error(); }

bool ServerTlsSession::Again(int result, const Wait& wait) {
  const int error = SSL_get_error(session_.get(), result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ && wait(POLLIN)) return true;
  if (error == SSL_ERROR_WANT_WRITE && wait(POLLOUT)) return true;
  ended_ = error == SSL_ERROR_ZERO_RETURN;
  broken_ = error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
  return false;
}

bool ServerTlsSession::Accept(const Wait& wait) {
  ERR_clear_error();
  int result = 0;
  do {
    result = SSL_accept(session_.get());
  } while (result != 1 && Again(result, wait));
  return result == 1;
}

std::ptrdiff_t ServerTlsSession::Read(std::span<char> into, const Wait& wait) {
  ERR_clear_error();
  int result = 0;
  do {
    result = SSL_read(session_.get(), into.data(), LengthOf(into.size()));
  } while (result <= 0 && Again(result, wait));
  if (result > 0) return result;
  return ended_ ? 0 : -1;
}

std::ptrdiff_t ServerTlsSession::Write(std::span<const char> bytes,
                                       const Wait& wait) {
  ERR_clear_error();
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::span<const char> left = bytes.subspan(done);
    const int result =
        SSL_write(session_.get(), left.data(), LengthOf(left.size()));
    if (result > 0) {
      done += static_cast<std::size_t>(result);
    } else if (!Again(result, wait)) {
      return -1;
    }
  }
  return static_cast<std::ptrdiff_t>(done);
}

void ServerTlsSession::Close() {
  if (!broken_ && SSL_is_init_finished(session_.get()) == 1) {
    SSL_shutdown(session_.get());
  }
  ERR_clear_error();
}

}  // namespace fedgap
