// What gRPC alone takes for the bytes of a round.
#ifndef FEDGAP_BENCH_LOAD_BARE_GRPC_H_
#define FEDGAP_BENCH_LOAD_BARE_GRPC_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/status.h"
#include "common/crypto/tls_files.h"

namespace fedgap::bench {

struct BareRounds {
  int clients = 10;
  int rounds = 5;
  std::int64_t bytes = 0;  // of a model and of an update
  // Of the server, then of every client; nothing: without TLS.
  std::optional<TlsFiles> server_tls;
  std::vector<TlsFiles> client_tls;
};

// The milliseconds of each round: gRPC's plainest server and clients, of this
// process, send the messages of FetchModel and SubmitUpdate as protocol
// buffers over loopback and throw them away. No digest, no check, no sum, no
// file: what no server on gRPC falls below on this machine.
StatusOr<std::vector<double>> RunBareRounds(const BareRounds& work);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_LOAD_BARE_GRPC_H_
