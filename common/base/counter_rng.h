// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3).
//
// A stream is a pure function of its key, so a client draws the same numbers
// in the simulator, over gRPC and after a restart. The distributions are our
// own: std:: ones differ between standard libraries. Not for secrets: keys,
// masks and privacy noise come from the operating system.
#ifndef FEDGAP_COMMON_BASE_COUNTER_RNG_H_
#define FEDGAP_COMMON_BASE_COUNTER_RNG_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace fedgap {

// One Philox4x32-10 block: four words from a counter and a key.
std::array<std::uint32_t, 4> Philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// What a stream is for. The values are part of the promise of equal bits:
// never renumber them.
enum class RngPurpose : std::uint32_t {
  kInitialization = 1,  // model parameters
  kSelection = 2,       // cohort of a round
  kPartition = 3,       // samples to clients
  kHeldOut = 4,         // a client's local test part
  kShuffle = 5,         // batch order
  kSynthetic = 6,       // made-up data of tests and benches
  kDropout = 7,
  kAugmentation = 8,
  kBackOff = 9,
  kVirtualSamples = 10,  // a simulated client's draws with replacement
  kResolution = 11,      // a simulated client's image size
  kBehavior = 12,        // a simulated client's speed and absences
};

// A stream of random numbers keyed by (seed, purpose, name, round). Two
// streams with different keys are independent for every practical purpose.
// Not thread-safe; copying forks the stream at its position.
class CounterRng {
 public:
  // `name` is the client's name ("" where there is none); its 64-bit FNV-1a
  // hash enters the counter.
  CounterRng(std::uint64_t seed, RngPurpose purpose, std::string_view name = {},
             std::uint64_t round = 0);

  std::uint32_t NextUint32();
  std::uint64_t NextUint64();
  // Uniform in [0, bound), unbiased (Lemire, "Fast random integer generation
  // in an interval", 2019). `bound` > 0.
  std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1): 53 random bits.
  double Uniform();
  // Standard normal, by the polar method with our own logarithm.
  double Normal();
  // Gamma(shape, 1), shape > 0 (Marsaglia and Tsang, 2000).
  double Gamma(double shape);

  // Fisher-Yates. Any swappable type.
  template <typename T>
  void Shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      using std::swap;
      swap(items[i - 1], items[static_cast<std::size_t>(Below(i))]);
    }
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_COUNTER_RNG_H_
