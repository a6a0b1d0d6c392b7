// Cutting one data set among many clients.
#ifndef FEDGAP_COMMON_DATA_PARTITION_H_
#define FEDGAP_COMMON_DATA_PARTITION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_source.h"
#include "common/data/partition_spec.h"

namespace fedgap {

// The positions in `labels` that each of `clients` > 0 clients owns, ascending.
// Every sample is owned exactly once. A function of the arguments alone. Labels
// are in [0, classes). Memory O(samples + clients * classes).
//
// kDirichlet: within a class, a client that already holds samples / clients or
// more gets none of it (NIID-Bench's balancing). kClasses: client i holds class
// i mod K first and then others at random; unlike NIID-Bench, which leaves the
// samples of a class that nobody drew unused, the classes of the first clients
// are chosen so that all K are held, and classes without samples do not count.
//
// INVALID_ARGUMENT when a client would own nothing (the message names it), when
// classes_per_client cannot be met, or when min_samples is not reached in
// 10,000 draws.
StatusOr<std::vector<std::vector<std::uint32_t>>> Partition(
    std::span<const std::int32_t> labels, int classes, int clients,
    const PartitionSpec& spec, std::uint64_t seed);

// The same for a source whose samples come in tracks: whole tracks are dealt
// out, so near copies never stand on two clients. Without tracks it equals
// Partition(Labels(data), ...); with them min_samples counts tracks.
StatusOr<std::vector<std::vector<std::uint32_t>>> PartitionByTrack(
    const DataSource& data, int clients, const PartitionSpec& spec,
    std::uint64_t seed);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_PARTITION_H_
