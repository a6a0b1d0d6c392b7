#include "common/crypto/xxh3.h"

#include <cstring>
#include <iterator>
#include <ranges>

#include "common/base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
// The same functions, by the widest vectors that the processor has; those of
// xxhash.h were compiled for any.
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

namespace fedgap {
namespace {

#if defined(__x86_64__)
__attribute__((target("avx"))) void ZeroUpperHalves() { _mm256_zeroupper(); }
#endif

// After each use of libxxhash, whose AVX-512 functions (0.8.1) leave the upper
// halves of the vector registers in use: SSE code, its own too, would be
// several times slower then.
void CleanVectors() {
#if defined(__x86_64__)
  static const bool has_avx = __builtin_cpu_supports("avx") != 0;
  if (has_avx) ZeroUpperHalves();
#endif
}

Xxh3Digest Canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  Xxh3Digest digest;
  static_assert(sizeof(canonical.digest) == sizeof(digest));
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

std::uint64_t Xxh3Of64(std::span<const std::uint8_t> bytes) {
  const std::uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
  CleanVectors();
  return hash;
}

std::uint64_t Xxh3Of64(const BytePieces& bytes) {
  if (std::ranges::distance(bytes) == 1) return Xxh3Of64(*bytes.begin());
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  FEDGAP_CHECK(state != nullptr && XXH3_64bits_reset(state.get()) == XXH_OK);
  for (const auto piece : bytes) {
    FEDGAP_CHECK(XXH3_64bits_update(state.get(), piece.data(), piece.size()) ==
                 XXH_OK);
  }
  CleanVectors();
  return XXH3_64bits_digest(state.get());
}

Xxh3Digest Xxh3Of128(std::span<const std::uint8_t> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  CleanVectors();
  return Canonical(hash);
}

struct Xxh3::State {
  std::unique_ptr<XXH3_state_t, FreeState> hash{XXH3_createState()};
};

Xxh3::Xxh3() : state_(std::make_unique<State>()) {
  FEDGAP_CHECK(state_->hash != nullptr);
  FEDGAP_CHECK(XXH3_128bits_reset(state_->hash.get()) == XXH_OK);
}
Xxh3::~Xxh3() = default;
Xxh3::Xxh3(Xxh3&&) noexcept = default;
Xxh3& Xxh3::operator=(Xxh3&&) noexcept = default;

void Xxh3::Update(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;  // XXH3 refuses a null pointer
  FEDGAP_CHECK(XXH3_128bits_update(state_->hash.get(), bytes.data(),
                                   bytes.size()) == XXH_OK);
  CleanVectors();
}

Xxh3Digest Xxh3::Digest() const {
  return Canonical(XXH3_128bits_digest(state_->hash.get()));
}

}  // namespace fedgap
