// What the small HTTP servers of the programs have in common: how they listen.
#ifndef FEDGAP_COMMON_HTTP_HTTP_LISTENER_H_
#define FEDGAP_COMMON_HTTP_HTTP_LISTENER_H_

#include <string>
#include <thread>

#include "common/base/status.h"

namespace httplib {
class Server;
}

namespace fedgap {

// Runs a server of cpp-httplib in a thread of its own, from Start until this is
// destroyed, which ends its open connections. One thread at a time.
class HttpListener {
 public:
  // `server` must outlive this and have its handlers by Start.
  explicit HttpListener(httplib::Server& server) : server_(server) {}
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // Listens on `host` and `port` (0: a free one); once. UNAVAILABLE: the
  // address is not of this machine, or somebody listens there (two servers on
  // one port would share its connections by chance); or the server has an
  // identity, `pem`, that TLS does not take.
  Status Start(const std::string& host, int port, const std::string& pem);

  int port() const { return port_; }

 private:
  httplib::Server& server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_HTTP_HTTP_LISTENER_H_
