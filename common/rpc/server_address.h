// "host:port" as the programs take it from people.
#ifndef FEDGAP_COMMON_RPC_SERVER_ADDRESS_H_
#define FEDGAP_COMMON_RPC_SERVER_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

struct ServerAddress {
  std::string host;  // a name or an IP address; IPv6 without brackets
  std::uint16_t port = 0;

  // What gRPC takes: "host:port", "[v6]:port".
  std::string ToString() const;
  // "localhost" or an address of 127.0.0.0/8 or ::1.
  bool IsLoopback() const;
};

// From "host:port", "[v6]:port" or "v4:port"; port 0 to 65535 (0: a server
// takes a free one). WrongUsage otherwise, with the form in the message.
StatusOr<ServerAddress> ParseServerAddress(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_SERVER_ADDRESS_H_
