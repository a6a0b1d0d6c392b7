#include "common/rpc/channel_options.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fedgap {
namespace {

using Argument = std::pair<std::string, int>;

int Milliseconds(std::chrono::milliseconds duration) {
  return static_cast<int>(duration.count());
}

std::vector<Argument> CommonArguments(const KeepaliveOptions& keepalive) {
  return {
      {GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(keepalive.interval)},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(keepalive.timeout)},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
      {GRPC_ARG_HTTP2_BDP_PROBE, 0},
      {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 256 << 10},
      {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, kMaxMessageBytes},
      {GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, kMaxMessageBytes},
  };
}

}  // namespace

grpc::ChannelArguments ClientChannelArguments(const ServerAddress& server,
                                              KeepaliveOptions keepalive) {
  keepalive.interval = std::max(keepalive.interval, kMinKeepaliveInterval);
  grpc::ChannelArguments arguments;
  for (const auto& [name, value] : CommonArguments(keepalive)) {
    arguments.SetInt(name, value);
  }
  // Several clients in one process keep a connection each.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // gRPC's back-off is jittered; a client must not wait two minutes for a
  // server that is up again.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 500);
  // In spite of its name: how long TCP and TLS may take to connect.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 10000);
  if (server.IsLoopback()) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

void SetServerArguments(grpc::ServerBuilder& builder,
                        KeepaliveOptions keepalive) {
  for (const auto& [name, value] : CommonArguments(keepalive)) {
    builder.AddChannelArgument(name, value);
  }
  // Below the shortest interval of a client, for timers are not exact.
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      Milliseconds(kMinKeepaliveInterval) / 2);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxStreamsOfConnection);
  // The protocol has no compressed messages: a few bytes that become many are
  // refused (UNIMPLEMENTED).
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(kHandshakeTimeout));
}

}  // namespace fedgap
