// The TLS of the programs' HTTPS servers.
#ifndef FEDGAP_COMMON_CRYPTO_SERVER_TLS_H_
#define FEDGAP_COMMON_CRYPTO_SERVER_TLS_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // OpenSSL's SSL

namespace fedgap {

// TLS 1.3 alone, with the key and the certificates in `identity`. False if the
// file holds none, or they do not belong together.
bool ConfigureServerTls(ssl_ctx_st& context,
                        const std::filesystem::path& identity);

// The server's end of one connection over a socket that does not block. One
// thread at a time.
class ServerTlsSession {
 public:
  // Waits until the socket is ready for `events` (POLLIN or POLLOUT); false to
  // give up.
  using Wait = std::function<bool(short events)>;

  // The socket stays the caller's, and must outlive this.
  ServerTlsSession(ssl_ctx_st& context, int socket);
  ~ServerTlsSession();
  ServerTlsSession(const ServerTlsSession&) = delete;
  ServerTlsSession& operator=(const ServerTlsSession&) = delete;

  // False if the peer shows no TLS that is taken, or `wait` gave up.
  bool Accept(const Wait& wait);
  // How many bytes came, at least one; 0 after the last; -1 for an error, or if
  // `wait` gave up: the connection is then of no more use.
  std::ptrdiff_t Read(std::span<char> into, const Wait& wait);
  // All of them; else -1, as above.
  std::ptrdiff_t Write(std::span<const char> bytes, const Wait& wait);
  // Tells the peer, if that needs no waiting, that no more will come.
  void Close();

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  // Whether what returned `result` should be tried again.
  bool Again(int result, const Wait& wait);

  std::unique_ptr<ssl_st, Free> session_;
  bool ended_ = false;   // the peer said that no more will come
  bool broken_ = false;  // nothing may be sent any more
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_SERVER_TLS_H_
