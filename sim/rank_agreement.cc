#include "sim/rank_agreement.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/version.h"
#include "common/crypto/sha256.h"
#include "common/crypto/xxh3.h"
#include "common/nn/kernels/isa.h"

namespace fedgap {
namespace {

template <typename T>
void Add(std::span<const T> values, Xxh3& digest) {
  digest.Update({reinterpret_cast<const std::uint8_t*>(values.data()),
                 values.size_bytes()});
}

void Add(const DataSource& data, Xxh3& digest) {
  const auto channels = static_cast<std::size_t>(data.channels());
  const Normalization plain{std::vector<double>(channels, 0.0),
                            std::vector<double>(channels, 1.0)};
  std::vector<float> pixels;
  for (const std::string& name : data.class_names()) {
    Add(std::span<const char>(name.c_str(), name.size() + 1), digest);
  }
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const ImageSize size = data.image_size(i);
    const std::array<std::int64_t, 4> facts = {size.height, size.width,
                                               data.label(i), data.track(i)};
    Add(std::span<const std::int64_t>(facts), digest);
    pixels.resize(static_cast<std::size_t>(size.pixels()) * channels);
    data.Read(i, plain, pixels);
    Add(std::span<const float>(pixels), digest);
  }
}

std::string DigestOf(const Population& population) {
  Xxh3 digest;
  for (const auto& source : population.Sources()) Add(*source, digest);
  return ToHex(digest.Digest());
}

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "?";
  return name.data();
}

std::string_view DescribeBits(bool portable) {
  return portable ? "with" : "without";
}

// Empty where nothing differs.
std::string Difference(const RankSetup& root, const RankSetup& other) {
  if (other.software != root.software) {
    return fmt::format("runs version {}, the root {}", other.software,
                       root.software);
  }
  if (other.portable_bits != root.portable_bits) {
    return fmt::format(
        "has a CPU {} fused multiply-add, the root one {}: their results "
        "differ in the last bits",
        DescribeBits(other.portable_bits), DescribeBits(root.portable_bits));
  }
  if (other.model != root.model) return "has another model than the root";
  if (other.clients != root.clients) {
    return fmt::format("has {} clients, the root {}", other.clients,
                       root.clients);
  }
  if (other.data != root.data) {
    return fmt::format("has other data than the root (XXH3 {}, not {})",
                       other.data, root.data);
  }
  return "";
}

}  // namespace

RankSetup SetupOf(const ModelSpec& model, const Population& population) {
  return {.host = HostName(),
          .software = SoftwareVersion(),
          .portable_bits = kernels::HasPortableBits(kernels::BestIsa()),
          .model = ToHex(Sha256Of(ToJson(model))),
          .clients = population.size(),
          .data = DigestOf(population)};
}

Status CheckSameSetup(RankGroup& ranks, const RankSetup& own) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<RankGroup::Bytes> setups,
                          ranks.Gather(ToBytes(own)));
  for (std::size_t rank = 1; rank < setups.size(); ++rank) {
    FEDGAP_ASSIGN_OR_RETURN(const RankSetup setup, RankSetupFrom(setups[rank]));
    const std::string difference = Difference(own, setup);
    if (difference.empty()) continue;
    return absl::FailedPreconditionError(
        fmt::format("rank {} on {} {}", rank, setup.host, difference));
  }
  return absl::OkStatus();
}

}  // namespace fedgap
