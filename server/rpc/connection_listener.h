// The port of a server.
#ifndef FEDGAP_SERVER_RPC_CONNECTION_LISTENER_H_
#define FEDGAP_SERVER_RPC_CONNECTION_LISTENER_H_

#include <netdb.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/rpc/server_address.h"
#include "server/rpc/connection_table.h"

namespace fedgap {

// Accepts connections in gRPC's place: gRPC 1.51 takes any number, and never
// listens again once the process has run out of descriptors. A thread of its
// own accepts, and lets the table check.
class ConnectionListener {
 public:
  // Binds every address that `address` stands for, to one port (0: a free
  // one); 0.0.0.0 stands for all addresses of this machine, of IPv6 too.
  // UNAVAILABLE with the reason: the port is in use, the name is not known, the
  // address is not of this machine, the port is not for this user.
  static StatusOr<std::unique_ptr<ConnectionListener>> Open(
      const ServerAddress& address);
  // Stops.
  ~ConnectionListener();

  int port() const { return port_; }

  // `take` gets each connection that `table` has room for, and owns its
  // descriptor; `table` outlives the listener. Called once.
  void Start(ConnectionTable& table, std::function<void(int descriptor)> take);
  // Nobody gets in any more; the port is free. Returns when `take` is not
  // called any more.
  void Stop();

 private:
  // Closed with the last owner.
  using Descriptor = std::shared_ptr<const int>;

  ConnectionListener(std::vector<Descriptor> sockets, int port, Descriptor wake)
      : sockets_(std::move(sockets)), port_(port), wake_(std::move(wake)) {}
  static Descriptor Owned(int descriptor);
  // A socket that listens at the address, but at `port` unless that is 0; or
  // null and errno.
  static Descriptor Bind(const addrinfo& at, int port);
  static StatusOr<std::unique_ptr<ConnectionListener>> OpenAt(
      const ServerAddress& address, const std::string& host);
  void Run(ConnectionTable& table, const std::function<void(int)>& take);
  // False: no more can be had for the moment.
  static bool AcceptOne(int socket, ConnectionTable& table,
                        const std::function<void(int)>& take);

  std::vector<Descriptor> sockets_;
  const int port_;
  const Descriptor wake_;  // an eventfd: readable to stop
  std::thread thread_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_CONNECTION_LISTENER_H_
