#include "common/rpc/failed_connection.h"

#include <gtest/gtest.h>

namespace fedgap {
namespace {

TEST(FailedConnectionTest, SaysWhatGrpcSaysInFewWords) {
  struct Case {
    const char* grpc;
    const char* words;
    bool is_nobody_there;
  };
  for (const Case& row : {
           Case{"failed to connect to all addresses; last error: UNKNOWN: "
                "ipv4:127.0.0.1:1: Failed to connect to remote host: "
                "Connection refused",
                "connection refused; is the server running, and is this its "
                "port?",
                true},
           Case{"DNS resolution failed for nowhere:7443: UNKNOWN: DNS error",
                "no such host name", true},
           Case{"failed to connect to all addresses; last error: UNKNOWN: "
                "ipv4:192.0.2.1:7443: connection attempt timed out before "
                "receiving SETTINGS frame",
                "no answer; is there a firewall?", false},
           Case{"no connection to nowhere port 7444: Name or service not known",
                "no such host name", true},
           Case{"Deadline Exceeded", "no answer in time", false},
           Case{"Socket closed", "the connection was closed", false},
           Case{"failed to connect to all addresses; last error: UNKNOWN: "
                "ipv4:127.0.0.1:9: Ssl handshake failed: SSL_ERROR_SSL: "
                "error:0A000086:SSL routines::certificate verify failed",
                "TLS failed", false},
           Case{"the server is going away: stopped",
                "the server is going away: stopped", false},
       }) {
    EXPECT_EQ(ShortCause(row.grpc), row.words);
    EXPECT_EQ(IsNobodyThere(row.grpc), row.is_nobody_there) << row.grpc;
  }
}

}  // namespace
}  // namespace fedgap
