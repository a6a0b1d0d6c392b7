// The dashboard over HTTP: the page, and what is new in the runs, pushed to it.
#ifndef FEDGAP_DASHBOARD_HTTP_DASHBOARD_SERVER_H_
#define FEDGAP_DASHBOARD_HTTP_DASHBOARD_SERVER_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fedgap {

// Read-only: it answers GET and HEAD of
//   /          the page
//   /events    a stream of server-sent events (WHATWG HTML, 9.2): each is
//              {"index", "reset", "run"}, the run as docs/DASHBOARD.md has it
//   /healthz   200 while it serves
//   /readyz    200 once every log has been read, else 503
//   /metrics   what Options::metrics says, in Prometheus' text format
// /healthz and /readyz are open; the others ask for the token if there is one:
// `?token=`, or a header `Authorization: Bearer`. On loopback a request must
// name a loopback host, so that no page of another site can read them through a
// name that it owns.
class DashboardServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 0;  // 0: a free one
    // PEM of key and certificate; empty: HTTP.
    std::filesystem::path identity = {};
    std::string token = {};  // empty: asked of nobody
    // url() has it: a secret from a file must not end in a log.
    bool shows_token = true;
    bool is_loopback = true;
    // So many pages may be open at once; others are told so.
    int max_pages = 48;
    // The text of /metrics, made for each request by a thread of the server's;
    // what it needs must outlive the server. Null: there is no such page.
    std::function<std::string()> metrics = nullptr;
  };

  // Serves from its own threads until it is destroyed. Errors: those of
  // ViewHub::Open; UNAVAILABLE if the address cannot be listened on or the
  // identity makes no sense.
  static StatusOr<std::unique_ptr<DashboardServer>> Start(
      const Options& options, const std::vector<std::filesystem::path>& logs);
  virtual ~DashboardServer() = default;

  virtual int port() const = 0;
  // To open in a browser; with the token, unless it is not to be shown.
  virtual std::string url() const = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_HTTP_DASHBOARD_SERVER_H_
