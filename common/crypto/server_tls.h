// The TLS of the programs' HTTPS servers.
#ifndef FEDGAP_COMMON_CRYPTO_SERVER_TLS_H_
#define FEDGAP_COMMON_CRYPTO_SERVER_TLS_H_

#include <filesystem>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace fedgap {

// TLS 1.3 alone, with the key and the certificates in `identity`. False if the
// file holds none, or they do not belong together.
bool ConfigureServerTls(ssl_ctx_st& context,
                        const std::filesystem::path& identity);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_SERVER_TLS_H_
