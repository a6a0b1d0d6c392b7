// cpp-httplib's server within limits that it lacks: strangers reach these
// ports, and what one connection may take of them must end.
#ifndef FEDGAP_COMMON_HTTP_LIMITED_SERVER_H_
#define FEDGAP_COMMON_HTTP_LIMITED_SERVER_H_

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

#include "common/http/socket_pool.h"

namespace httplib {
class Server;
}

namespace fedgap {

struct HttpLimits {
  SocketPool::Options sockets = {};
  // From the moment that a thread takes a connection, or from the answer before
  // on the same connection, to the last byte of a request: the TLS handshake
  // and the wait for the first byte count too.
  std::chrono::milliseconds request{5000};
  // Of a request with its headers; TLS's own bytes do not count.
  std::size_t max_request_bytes = 64 << 10;
  // For the peer to take a piece of an answer (the headers, the body, one
  // server-sent event), and the time that its bytes take at the least rate. An
  // answer of many pieces may last.
  std::chrono::milliseconds write{10000};
  std::size_t least_bytes_per_second = 32 << 10;
};

// A server with these limits, to which handlers are added as to any of
// cpp-httplib; that library's own time-outs and task queue have no effect. Not
// is_valid() unless `identity` (PEM: key, certificates) is what TLS takes;
// without one it speaks HTTP. To be run by HttpListener.
std::unique_ptr<httplib::Server> MakeLimitedServer(
    const std::filesystem::path& identity, const HttpLimits& limits);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_HTTP_LIMITED_SERVER_H_
