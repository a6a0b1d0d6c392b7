// One update of a StagingArea and its way from the connection that carries it
// to the vector that is aggregated. Private to server/core.
#ifndef FEDGAP_SERVER_CORE_STAGING_SLOT_H_
#define FEDGAP_SERVER_CORE_STAGING_SLOT_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "common/base/byte_pieces.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/crypto/xxh3.h"
#include "server/core/staged_bytes.h"
#include "server/core/staging_area.h"

namespace fedgap {

class StagingSlot;

// What slots need of the area that they belong to. Thread-safe; its lock comes
// before any slot's.
class StagingTable {
 public:
  virtual ~StagingTable() = default;
  virtual Clock::Time Now() const = 0;
  // Nobody finds the slot any more, so nobody takes it over.
  virtual void Remove(const StagingSlot& slot) = 0;
  // A slot has ended.
  virtual void SlotFreed() = 0;
  // Warns of it. UNAVAILABLE, whatever the code of `cause`: no fault of the
  // client's, which keeps its update and comes back. May be called with any
  // lock of the area's.
  virtual Status CannotStore(const Status& cause) = 0;
};

// Counts as taken from its making to its end, whoever owns it then: the table
// of uploads, a connection or the aggregation. Thread-safe.
class StagingSlot {
 public:
  using Key = StagingArea::Key;

  StagingSlot(std::shared_ptr<StagingTable> table, Key key,
              std::unique_ptr<StagedBytes> bytes);
  ~StagingSlot();

  // ABORTED: what the earlier connection hears.
  static Status TookOver();

  const Key& key() const { return key_; }
  const StagedBytes& bytes() const { return *bytes_; }
  StagingTable& table() const { return *table_; }
  Clock::Time made() const { return made_; }

  // A new owner; the earlier one's calls fail from now on (TookOver).
  std::uint64_t Own() EXCLUDES(mutex_);
  // Every owner's calls fail with this.
  void Revoke(const Status& status) EXCLUDES(mutex_);
  // The owner is gone and may come back; nothing if it is not the owner.
  void Park(std::uint64_t owner) EXCLUDES(mutex_);
  bool ParkedBefore(Clock::Time time) const EXCLUDES(mutex_);

  std::int64_t offset() const EXCLUDES(mutex_);
  // As of Upload.
  Status Append(std::uint64_t owner, const BytePieces& bytes) EXCLUDES(mutex_);
  // TookOver, or what it was revoked with.
  Status Check(std::uint64_t owner) const EXCLUDES(mutex_);
  // Whether all bytes are the announced ones (DATA_LOSS).
  Status CheckWhole(std::uint64_t owner) const EXCLUDES(mutex_);

 private:
  Status CheckOwner(std::uint64_t owner) const REQUIRES(mutex_);

  const std::shared_ptr<StagingTable> table_;
  const Key key_;
  const Clock::Time made_;
  std::unique_ptr<StagedBytes> bytes_;
  mutable Mutex mutex_;
  std::uint64_t owner_ GUARDED_BY(mutex_) = 0;
  Status revoked_ GUARDED_BY(mutex_);
  std::optional<Clock::Time> parked_ GUARDED_BY(mutex_);
  std::int64_t offset_ GUARDED_BY(mutex_) = 0;
  Xxh3 checksum_ GUARDED_BY(mutex_);
};

// Makes a new owner of the slot.
std::unique_ptr<Upload> ConnectTo(std::shared_ptr<StagingSlot> slot);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_STAGING_SLOT_H_
