#include "common/base/counter_rng.h"

#include <cmath>

#include "common/base/check.h"
#include "common/base/portable_math.h"

namespace fedgap {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;

std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

std::uint32_t Low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t High(std::uint64_t x) {
  return static_cast<std::uint32_t>(x >> 32);
}

}  // namespace

std::array<std::uint32_t, 4> Philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{kMultiplier0} * counter[0];
    const std::uint64_t p1 = std::uint64_t{kMultiplier1} * counter[2];
    counter = {High(p1) ^ counter[1] ^ key[0], Low(p1),
               High(p0) ^ counter[3] ^ key[1], Low(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

CounterRng::CounterRng(std::uint64_t seed, RngPurpose purpose,
                       std::string_view name, std::uint64_t round) {
  // The stream's own key is one Philox block of everything that names it; the
  // 128-bit counter then runs from zero.
  const std::uint64_t who = Fnv1a(name);
  const auto mixed =
      Philox4x32({Low(who), High(who), Low(round),
                  High(round) ^ (static_cast<std::uint32_t>(purpose) << 16)},
                 {Low(seed), High(seed)});
  key_ = {mixed[0], mixed[1]};
  counter_ = {0, 0, mixed[2], mixed[3]};
}

std::uint32_t CounterRng::NextUint32() {
  if (used_ == 4) {
    block_ = Philox4x32(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t CounterRng::NextUint64() {
  const std::uint64_t low = NextUint32();
  return (std::uint64_t{NextUint32()} << 32) | low;
}

std::uint64_t CounterRng::Below(std::uint64_t bound) {
  FEDGAP_CHECK(bound > 0);
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{NextUint64()} * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = -bound % bound;
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = Wide{NextUint64()} * bound;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double CounterRng::Uniform() {
  return static_cast<double>(NextUint64() >> 11) * 0x1p-53;
}

double CounterRng::Normal() {
  while (true) {
    const double u = 2 * Uniform() - 1;
    const double v = 2 * Uniform() - 1;
    const double r = u * u + v * v;
    if (r > 0 && r < 1) return u * std::sqrt(-2 * PortableLog(r) / r);
  }
}

double CounterRng::Gamma(double shape) {
  FEDGAP_CHECK(shape > 0);
  if (shape < 1) {
    // Gamma(a) = Gamma(a + 1) U^(1/a).
    const double boosted = Gamma(shape + 1);
    const double u = 1 - Uniform();
    return boosted * PortablePow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = Normal();
    const double t = 1 + c * x;
    if (t <= 0) continue;
    const double v = t * t * t;
    const double u = 1 - Uniform();
    if (PortableLog(u) < 0.5 * x * x + d - d * v + d * PortableLog(v)) {
      return d * v;
    }
  }
}

}  // namespace fedgap
