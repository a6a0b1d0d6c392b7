// The transport settings that client and server must agree on, set in one
// place: keepalive, flow-control windows, message sizes.
#ifndef FEDGAP_COMMON_RPC_CHANNEL_OPTIONS_H_
#define FEDGAP_COMMON_RPC_CHANNEL_OPTIONS_H_

#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>

#include "common/rpc/server_address.h"

namespace fedgap {

// No message is larger, in either direction; models go in chunks of 1 MiB.
inline constexpr int kMaxMessageBytes = 4 << 20;

// Calls that a server takes at a time from one connection; gRPC's clients wait
// with more, and others are refused. Twice what one client may have open.
inline constexpr int kMaxStreamsOfConnection = 32;

// How long a server waits for the end of a handshake.
inline constexpr std::chrono::seconds kHandshakeTimeout{10};

// The metadata key under which a client names itself where there is no TLS.
inline constexpr char kClientNameKey[] = "fedgap-client";

// The metadata key of JoinRequest::instance, in decimal digits, in every call
// after Join; without it the instance is 0.
inline constexpr char kInstanceKey[] = "fedgap-instance";

struct KeepaliveOptions {
  // A ping after so long without data. Home routers forget a TCP connection
  // after one minute, some firewalls after 30 s; shorten it behind those.
  std::chrono::milliseconds interval = std::chrono::seconds(25);
  // A peer silent for so long after a ping is gone: the connection ends, and a
  // frozen peer is known after at most interval + timeout.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
};

// The shortest interval a client may choose: the server ends the connection of
// one that pings more often (GOAWAY too_many_pings), so that nobody can keep
// it busy with pings.
inline constexpr std::chrono::milliseconds kMinKeepaliveInterval{5000};

// For grpc::CreateCustomChannel. An interval below kMinKeepaliveInterval is
// raised to it. Each channel has its own connection; proxies of the
// environment (http_proxy) are not asked for a loopback server.
grpc::ChannelArguments ClientChannelArguments(const ServerAddress& server,
                                              KeepaliveOptions keepalive = {});

// The server's half, for every listening port of `builder`. Windows of 256 KiB
// without bandwidth probing bound the memory a connection can pin: receiving 10
// models of 40 MB at once took 157 MB of memory with these, against 561 MB with
// gRPC's defaults, at the same speed.
void SetServerArguments(grpc::ServerBuilder& builder,
                        KeepaliveOptions keepalive = {});

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_CHANNEL_OPTIONS_H_
