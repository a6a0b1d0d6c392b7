// Private to common/http: one connection, TLS or not, as cpp-httplib reads and
// writes it, with deadlines.
#ifndef FEDGAP_COMMON_HTTP_SOCKET_STREAM_H_
#define FEDGAP_COMMON_HTTP_SOCKET_STREAM_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "common/crypto/server_tls.h"
#include "common/http/limited_server.h"

namespace fedgap {

// One thread at a time.
class SocketStream {
 public:
  // The socket must outlive this. Without `tls`, plain TCP.
  SocketStream(int socket, ssl_ctx_st* tls, const HttpLimits& limits);
  ~SocketStream();
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  // From now on the time and the bytes of a request are counted anew.
  void BeginRequest();
  // The TLS handshake, within the request's time; false if it failed.
  bool Accept();

  // As ServerTlsSession's, within the limits.
  std::ptrdiff_t Read(std::span<char> into);
  std::ptrdiff_t Write(std::span<const char> bytes);

  // Without waiting.
  bool IsReadable() const;
  // Whether the peer is still there and takes bytes, within the time to write.
  bool IsWritable() const;

  struct Address {
    std::string ip;
    int port = 0;
  };
  Address Remote() const;
  Address Local() const;
  int socket() const { return socket_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  bool WaitUntil(short events, Time deadline) const;
  std::ptrdiff_t Fill();

  const int socket_;
  const HttpLimits limits_;
  std::optional<ServerTlsSession> tls_;
  Time request_deadline_;
  std::size_t request_bytes_ = 0;  // that came since BeginRequest
  // Bytes of the peer that nobody has read yet: the library asks for one at a
  // time.
  std::array<char, 4096> buffer_{};
  std::size_t next_ = 0;
  std::size_t end_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_HTTP_SOCKET_STREAM_H_
