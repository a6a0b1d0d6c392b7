// The bounds that a configuration and the wire share: whatever a run may be
// configured with, its messages may hold (docs/PROTOCOL.md, "Limits").
#ifndef FEDGAP_COMMON_FEDERATION_BOUNDS_H_
#define FEDGAP_COMMON_FEDERATION_BOUNDS_H_

#include <cstddef>
#include <cstdint>

namespace fedgap {

inline constexpr std::int64_t kMaxRound = 1'000'000'000;
inline constexpr std::int64_t kMaxDeadlineSeconds = 365LL * 24 * 3600;

// LocalTraining.
inline constexpr int kMaxEpochs = 1'000'000;
inline constexpr int kMaxSteps = 1'000'000'000;
inline constexpr int kMaxBatchSize = 1'000'000;
inline constexpr double kMaxLearningRate = 1e6;
inline constexpr double kMaxWeightDecay = 1e6;
inline constexpr double kMaxClipNorm = 1e30;
inline constexpr double kMaxProximalMu = 1e6;
inline constexpr int kMaxGradientShards = 64;
// Momentum is in [0, 1), in single precision too: 1 - 2^-24 is the float below
// 1.
inline constexpr double kMaxMomentum = 1.0 - 0x1p-24;

// LocalEvaluation.
inline constexpr int kMaxMinClassCount = 1'000'000;
inline constexpr double kMaxHeldOutFraction = 0.5;

// ModelSpec.
inline constexpr int kMaxClasses = 65536;
inline constexpr int kMaxChannels = 65536;
inline constexpr double kMaxPixelMean = 1e6;  // and the least, negated
inline constexpr double kMinPixelStddev = 1e-12;
inline constexpr double kMaxPixelStddev = 1e6;
inline constexpr std::size_t kMaxClassNameBytes = 256;

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_BOUNDS_H_
