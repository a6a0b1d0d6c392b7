// Whether a server could listen at an address, and why not.
#ifndef FEDGAP_SERVER_RPC_PORT_CHECK_H_
#define FEDGAP_SERVER_RPC_PORT_CHECK_H_

#include "common/base/status.h"
#include "common/rpc/server_address.h"

namespace fedgap {

// Binds each address that `address` stands for and gives it back: gRPC says
// only that it failed, and only when there is all the rest of a server already.
// UNAVAILABLE with the reason: the port is in use, the name is not known, the
// address is not of this machine, the port is not for this user.
Status CheckCanListen(const ServerAddress& address);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_PORT_CHECK_H_
