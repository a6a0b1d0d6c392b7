// Secrets from the operating system: keys, serial numbers, masks and privacy
// noise. Never from the run seed (common/base/counter_rng.h is for the rest).
#ifndef FEDGAP_COMMON_CRYPTO_SECURE_RANDOM_H_
#define FEDGAP_COMMON_CRYPTO_SECURE_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace fedgap {

// Fills `out` from getrandom(2), blocking at boot until the kernel's pool is
// ready. Thread-safe; fork-safe. A kernel without it ends the program: there
// is no second-best source to fall back to.
void FillRandom(std::span<std::uint8_t> out);

std::uint64_t RandomUint64();

// Two hexadecimal digits a byte: for tokens.
std::string RandomHex(std::size_t bytes);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_SECURE_RANDOM_H_
