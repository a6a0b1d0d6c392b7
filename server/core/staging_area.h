// Where updates wait until their last byte is here: nothing reaches an
// accumulator before (DESIGN: nothing is ever taken back out of one).
#ifndef FEDGAP_SERVER_CORE_STAGING_AREA_H_
#define FEDGAP_SERVER_CORE_STAGING_AREA_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/base/byte_pieces.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/federation/ids.h"
#include "server/aggregation/contribution.h"

namespace fedgap {

// One update on its way in. Owned by the connection that carries it; dropping
// it before Take keeps what has arrived, for a while, so that another
// connection of the client can go on from there. Calls come from one thread at
// a time.
class Upload {
 public:
  virtual ~Upload() = default;

  // The bytes that are here; the next ones belong at this offset.
  virtual std::int64_t offset() const = 0;
  virtual std::int64_t total_bytes() const = 0;

  // Adds the next bytes. INVALID_ARGUMENT: more than were announced;
  // UNAVAILABLE: they cannot be stored, on a full disk for one; ABORTED:
  // another connection took over; FAILED_PRECONDITION: the task is over. After
  // an error nothing was added.
  virtual Status Append(const BytePieces& bytes) = 0;

  // The whole vector, once offset() == total_bytes(): its slot is free again
  // when the last owner drops it. DATA_LOSS if the bytes do not have the
  // announced digest (then they are thrown away), else the codes of Append.
  virtual StatusOr<std::shared_ptr<const VectorSource>> Take() = 0;

  // What Append would say of the slot now; for who waits for the next bytes.
  virtual Status Check() const = 0;
};

// A fixed number of slots, one for each update that is being received or has
// been received and is not yet aggregated. Memory and disk are bounded by the
// slots, not by the cohort: who comes when all are taken waits in line. An
// update of up to `memory_bytes` stands in memory, a larger one in a file of
// the run directory that has no name, so that nothing is left behind by a
// crash. Thread-safe. What it has handed out may outlive it.
class StagingArea {
 public:
  struct Options {
    // Where the nameless files go; must exist.
    std::filesystem::path directory;
    // At least one. A strategy that needs all updates at once (the median)
    // needs as many as the cohort.
    int slots = 16;
    // For a small update the file costs more than the bytes.
    std::int64_t memory_bytes = 1 << 20;
    // What a broken transfer left is kept for so long.
    Clock::Duration resume_window = std::chrono::seconds(60);
    // While others wait in line, an upload that is slower, counted from `grace`
    // after it got its slot and whatever the number of its connections, loses
    // it.
    std::int64_t min_bytes_per_second = 32 << 10;
    Clock::Duration grace = std::chrono::seconds(10);
    // Told what keeps updates from being stored, once a minute at most; from
    // any thread. It must not call the area.
    std::function<void(const std::string&)> on_warning = {};
  };

  // Names the contents of a slot: another digest is another update.
  struct Key {
    ClientName client;
    TaskId task;
    Round round = 0;
    std::string digest;      // XXH3-128 of the bytes, hex
    std::int64_t bytes = 0;  // > 0, a multiple of 4
    bool operator==(const Key&) const = default;
  };

  using Granted = std::function<void(StatusOr<std::unique_ptr<Upload>>)>;
  using Ticket = std::uint64_t;

  // `clock` must outlive the area. INVALID_ARGUMENT for less than one slot;
  // the errors of making a file in `directory`.
  static StatusOr<std::unique_ptr<StagingArea>> Create(Options options,
                                                       const Clock& clock);
  ~StagingArea();

  // Calls `granted` once, when a slot is there: at once or later, on this
  // thread or on one that frees a slot, with no lock held; it must not block.
  // A client has one upload at a time: the same key goes on where the last
  // connection stopped, which loses the slot (ABORTED); another key throws the
  // earlier upload away. `granted` gets an error if the slot's file cannot be
  // made (UNAVAILABLE, a full disk too), if another connection of the client
  // takes over the waiting (ABORTED) or if the task ends (FAILED_PRECONDITION).
  Ticket Acquire(const Key& key, Granted granted);

  // Leaves the line: `granted` is not called any more, unless it is being
  // called now.
  void Withdraw(Ticket ticket);

  // Throws away the client's upload and place in the line if they are for a
  // round up to `through`, unless they belong to `open` (the task that the
  // client works on now; none: an empty id).
  void EndTasks(const ClientName& client, Round through, const TaskId& open);

  // Throws away the uploads and places in the line of all tasks that are over
  // (FAILED_PRECONDITION). `is_over` is asked with no lock held.
  using IsOver = std::function<bool(const ClientName&, const TaskId&)>;
  void EndTasks(const IsOver& is_over);

  // Throws away what is older than the resume window, and what is too slow
  // while others wait (UNAVAILABLE). Called every few seconds.
  void Expire();

  struct Usage {
    int slots = 0;    // taken
    int waiting = 0;  // in line
  };
  Usage usage() const;

 private:
  class Core;
  explicit StagingArea(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_STAGING_AREA_H_
