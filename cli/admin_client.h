// The calls of an operator to a running server.
#ifndef FEDGAP_CLI_ADMIN_CLIENT_H_
#define FEDGAP_CLI_ADMIN_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/federation/run_status.h"

namespace fedgap {

// Blocks in its calls, each with a deadline of 10 s but for Watch.
//
// Errors: PERMISSION_DENIED for a certificate without the role `admin`,
// UNAUTHENTICATED or UNAVAILABLE for a connection that fails, with the cause.
class AdminClient {
 public:
  struct Options {
    std::string server = "localhost:7443";
    std::string certs;               // a bundle with the role `admin`
    bool insecure = false;           // no TLS
    bool insecure_anywhere = false;  // not even to this machine only
  };

  // INVALID_ARGUMENT for options that make no sense, and errors of
  // LoadTlsFiles.
  static StatusOr<std::unique_ptr<AdminClient>> Create(const Options& options);
  ~AdminClient();

  // The clients are left out.
  StatusOr<RunStatus> GetStatus();
  StatusOr<std::vector<ClientStatus>> GetClients();
  StatusOr<RunStatus> Pause();
  StatusOr<RunStatus> Resume();
  StatusOr<RunStatus> Stop(const std::string& reason);
  // NOT_FOUND: no client of this name has joined.
  StatusOr<RunStatus> Kick(const std::string& client,
                           const std::string& reason);
  // Calls `take` now and each time the status has changed, until the run ends
  // (OK) or the connection does.
  Status Watch(const std::function<void(const RunStatus&)>& take);

 private:
  class Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLI_ADMIN_CLIENT_H_
