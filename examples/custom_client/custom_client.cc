// A client with data of its own kind: a DataSource is all that it takes.
//
//   custom_client SERVER:PORT BUNDLE_DIR
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "client/core/participant.h"
#include "client/rpc/grpc_federation_api.h"
#include "common/base/clock.h"
#include "common/crypto/tls_files.h"
#include "common/data/data_source.h"
#include "common/rpc/server_address.h"

namespace {

// Rings (label 0) and slopes (label 1), drawn when asked for, each of its own
// size: nothing is stored.
class DrawnImages final : public fedgap::DataSource {
 public:
  std::int64_t size() const override { return 500; }
  int channels() const override { return 1; }
  const std::vector<std::string>& class_names() const override {
    return names_;
  }
  int label(std::int64_t i) const override { return static_cast<int>(i % 2); }
  fedgap::ImageSize image_size(std::int64_t i) const override {
    return {static_cast<int>(16 + i % 13), static_cast<int>(16 + i % 7)};
  }
  void Read(std::int64_t i, const fedgap::Normalization& normalization,
            std::span<float> out) const override {
    const fedgap::ImageSize size = image_size(i);
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        const double dy = y - size.height / 2.0, dx = x - size.width / 2.0;
        const double r = std::sqrt(dy * dy + dx * dx);
        const bool lit = label(i) == 0 ? (r > 4 && r < 7) : (x + y) % 9 < 4;
        out[static_cast<std::size_t>(y * size.width + x)] =
            static_cast<float>(((lit ? 1.0 : 0.0) - normalization.mean[0]) /
                               normalization.stddev[0]);
      }
    }
  }

 private:
  std::vector<std::string> names_ = {"ring", "slope"};
};

fedgap::Status Run(const std::string& server, const std::string& bundle) {
  const fedgap::SystemClock clock;
  fedgap::GrpcFederationApi::Options options;
  FEDGAP_ASSIGN_OR_RETURN(options.server, fedgap::ParseServerAddress(server));
  options.tls = fedgap::TlsFilesIn(bundle);
  FEDGAP_ASSIGN_OR_RETURN(
      const auto material,
      fedgap::LoadTlsFiles(*options.tls, fedgap::TlsEnd::kClient,
                           clock.WallNow()));
  FEDGAP_ASSIGN_OR_RETURN(const auto api,
                          fedgap::GrpcFederationApi::Create(options, clock));
  const DrawnImages data;
  fedgap::MemoryClientStore store;
  fedgap::Participant::Options who;
  who.name = {material.identity.name};
  who.software = "custom_client";
  return fedgap::Participant(who, {*api, data, store, clock}).Run();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const fedgap::Status status = Run(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
