#include "common/http/limited_server.h"

#include <httplib.h>

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "common/crypto/server_tls.h"
#include "common/http/socket_stream.h"

namespace fedgap {
namespace {

// What the library sees of a connection.
class HttpStream final : public httplib::Stream {
 public:
  explicit HttpStream(SocketStream& stream) : stream_(stream) {}

  bool is_readable() const override { return stream_.IsReadable(); }
  bool is_writable() const override { return stream_.IsWritable(); }
  ssize_t read(char* bytes, std::size_t size) override {
    return stream_.Read({bytes, size});
  }
  ssize_t write(const char* bytes, std::size_t size) override {
    return stream_.Write({bytes, size});
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    SocketStream::Address address = stream_.Remote();
    ip = std::move(address.ip);
    port = address.port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    SocketStream::Address address = stream_.Local();
    ip = std::move(address.ip);
    port = address.port;
  }
  socket_t socket() const override { return stream_.socket(); }

 private:
  SocketStream& stream_;
};

// The library gives the accepted sockets to this; each goes to the pool from
// the thread that accepts.
class NoQueue final : public httplib::TaskQueue {
 public:
  explicit NoQueue(SocketPool& pool) : pool_(pool) {}
  void enqueue(std::function<void()> take) override { take(); }
  void shutdown() override { pool_.Stop(); }

 private:
  SocketPool& pool_;
};

// `Base` is the library's server, with TLS or without.
template <typename Base>
class LimitedServer final : public Base {
 public:
  template <typename... Setup>
  explicit LimitedServer(const HttpLimits& limits, Setup&&... setup)
      : Base(std::forward<Setup>(setup)...),
        limits_(limits),
        pool_(limits.sockets, [this](int socket) { Serve(socket); }) {
    this->new_task_queue = [this] { return new NoQueue(pool_); };
  }
  ~LimitedServer() override { pool_.Stop(); }

 private:
  bool process_and_close_socket(socket_t socket) override {
    pool_.Take(socket);
    return true;
  }

  ssl_ctx_st* Tls() const {
    if constexpr (std::is_same_v<Base, httplib::SSLServer>) {
      return this->ssl_context();
    } else {
      return nullptr;
    }
  }

  void Serve(int socket) {
    SocketStream connection(socket, Tls(), limits_);
    if (!connection.Accept()) return;
    HttpStream stream(connection);
    for (std::size_t left = this->keep_alive_max_count_; left > 0; --left) {
      bool is_closed = false;
      if (!this->process_request(stream, /*close_connection=*/left == 1,
                                 is_closed, [](httplib::Request&) {}) ||
          is_closed) {
        return;
      }
      connection.BeginRequest();
    }
  }

  const HttpLimits limits_;
  SocketPool pool_;  // last: its threads use the rest
};

}  // namespace

std::unique_ptr<httplib::Server> MakeLimitedServer(
    const std::filesystem::path& identity, const HttpLimits& limits) {
  if (identity.empty()) {
    return std::make_unique<LimitedServer<httplib::Server>>(limits);
  }
  return std::make_unique<LimitedServer<httplib::SSLServer>>(
      limits, [&identity](SSL_CTX& context) {
        return ConfigureServerTls(context, identity);
      });
}

}  // namespace fedgap
