// The bytes of one staged update: in memory or in a file without a name.
#ifndef FEDGAP_SERVER_CORE_STAGED_BYTES_H_
#define FEDGAP_SERVER_CORE_STAGED_BYTES_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "common/base/byte_pieces.h"
#include "common/base/status.h"

namespace fedgap {

// `size` bytes that can be written and read anywhere. Different ranges may be
// used from different threads at once.
class StagedBytes {
 public:
  virtual ~StagedBytes() = default;
  // RESOURCE_EXHAUSTED: disk full, else UNAVAILABLE.
  virtual Status Write(std::int64_t offset, const BytePieces& bytes) = 0;
  // DATA_LOSS if the file is shorter, else UNAVAILABLE.
  virtual Status Read(std::int64_t offset,
                      std::span<std::uint8_t> bytes) const = 0;
  // All bytes, aligned for float, if they stand in memory; else empty.
  virtual std::span<const std::uint8_t> InMemory() const = 0;
};

std::unique_ptr<StagedBytes> StagedInMemory(std::int64_t size);

// Reserves the disk space at once, so that a full disk (RESOURCE_EXHAUSTED) is
// known before a client sends a byte. Other errors of making a file.
StatusOr<std::unique_ptr<StagedBytes>> StagedInFile(
    const std::filesystem::path& directory, std::int64_t size);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_STAGED_BYTES_H_
