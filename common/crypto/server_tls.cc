#include "common/crypto/server_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace fedgap {

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

}  // namespace fedgap
