#include "server/core/staging_area.h"

#include <fmt/format.h>

#include <bit>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/mutex.h"
#include "common/crypto/xxh3.h"
#include "server/core/staged_bytes.h"

namespace fedgap {
namespace {

static_assert(std::endian::native == std::endian::little,
              "vectors are staged as they travel");

Status TookOver() {
  return absl::AbortedError("another connection of this client took over");
}

Status TaskOver() {
  return absl::FailedPreconditionError(
      "the task is over; the update came too late");
}

}  // namespace

class StagingArea::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Options options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  Ticket Acquire(const Key& key, Granted granted) EXCLUDES(mutex_);
  void Withdraw(Ticket ticket) EXCLUDES(mutex_);
  void EndTasks(const ClientName& client, Round through, const TaskId& open)
      EXCLUDES(mutex_);
  void Expire() EXCLUDES(mutex_);
  void Clear() EXCLUDES(mutex_);
  Usage usage() const EXCLUDES(mutex_);

 private:
  class Slot;
  class Connection;
  class StagedVector;
  using SlotPointer = std::shared_ptr<Slot>;

  struct Waiting {
    Ticket ticket;
    Key key;
    Granted granted;
  };
  // Called after the lock is gone, in order; what they refer to dies with
  // them, for a slot's end takes the lock.
  using Actions = std::vector<std::function<void()>>;

  void SlotFreed() EXCLUDES(mutex_);
  void Park(const SlotPointer& slot, std::uint64_t owner) EXCLUDES(mutex_);
  void Remove(const SlotPointer& slot) EXCLUDES(mutex_);

  SlotPointer Find(const ClientName& client) const REQUIRES(mutex_);
  void Grant(Waiting waiting, Actions& actions) REQUIRES(mutex_);
  // Refuses the clients' places in the line that `which` chooses.
  void Refuse(const std::function<bool(const Key&)>& which,
              const Status& status, Actions& actions) REQUIRES(mutex_);
  void Drop(const SlotPointer& slot, const Status& status, Actions& actions)
      REQUIRES(mutex_);
  static void Run(const Actions& actions) {
    for (const auto& action : actions) action();
  }

  const Options options_;
  const Clock& clock_;
  mutable Mutex mutex_;  // before any Slot's
  // Uploads that go on or may go on: one a client.
  std::map<ClientName, SlotPointer> uploads_ GUARDED_BY(mutex_);
  std::deque<Waiting> line_ GUARDED_BY(mutex_);
  int taken_ GUARDED_BY(mutex_) = 0;
  Ticket next_ticket_ GUARDED_BY(mutex_) = 1;
};

// Counts as taken from its making to its end, whoever owns it then: the table
// of uploads, a connection or the aggregation.
class StagingArea::Core::Slot {
 public:
  Slot(std::shared_ptr<Core> core, Key key, std::unique_ptr<StagedBytes> bytes)
      : core_(std::move(core)),
        key_(std::move(key)),
        bytes_(std::move(bytes)) {}
  ~Slot() {
    bytes_.reset();
    core_->SlotFreed();
  }

  const Key& key() const { return key_; }
  const StagedBytes& bytes() const { return *bytes_; }

  // A new owner; the earlier one's calls fail from now on.
  std::uint64_t Own() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    parked_.reset();
    return ++owner_;
  }
  void Revoke(const Status& status) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    revoked_ = status;
  }
  void Park(std::uint64_t owner, Clock::Time now) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (owner == owner_) parked_ = now;
  }
  bool ParkedBefore(Clock::Time time) const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return parked_.has_value() && *parked_ < time;
  }
  std::int64_t offset() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return offset_;
  }

  Status Append(std::uint64_t owner, std::span<const std::uint8_t> bytes)
      EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    FEDGAP_RETURN_IF_ERROR(CheckOwner(owner));
    if (std::ssize(bytes) > key_.bytes - offset_) {
      return absl::InvalidArgumentError(
          fmt::format("the update has {} bytes; a chunk at byte {} has {} more",
                      key_.bytes, offset_, bytes.size()));
    }
    FEDGAP_RETURN_IF_ERROR(bytes_->Write(offset_, bytes));
    checksum_.Update(bytes);
    offset_ += std::ssize(bytes);
    return absl::OkStatus();
  }

  Status CheckWhole(std::uint64_t owner) const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    FEDGAP_RETURN_IF_ERROR(CheckOwner(owner));
    FEDGAP_CHECK(offset_ == key_.bytes);
    if (ToHex(checksum_.Digest()) == key_.digest) return absl::OkStatus();
    return absl::DataLossError(
        "the update's bytes do not match its digest; send it again");
  }

 private:
  Status CheckOwner(std::uint64_t owner) const REQUIRES(mutex_) {
    FEDGAP_RETURN_IF_ERROR(revoked_);
    return owner == owner_ ? absl::OkStatus() : TookOver();
  }

  const std::shared_ptr<Core> core_;
  const Key key_;
  std::unique_ptr<StagedBytes> bytes_;
  mutable Mutex mutex_;
  std::uint64_t owner_ GUARDED_BY(mutex_) = 0;
  Status revoked_ GUARDED_BY(mutex_);
  std::optional<Clock::Time> parked_ GUARDED_BY(mutex_);
  std::int64_t offset_ GUARDED_BY(mutex_) = 0;
  Xxh3 checksum_ GUARDED_BY(mutex_);
};

class StagingArea::Core::StagedVector final : public VectorSource {
 public:
  explicit StagedVector(SlotPointer slot) : slot_(std::move(slot)) {}

  std::int64_t elements() const override { return slot_->key().bytes / 4; }
  Status Read(std::int64_t begin, std::span<float> out) const override {
    FEDGAP_CHECK(begin >= 0 && begin + std::ssize(out) <= elements());
    return slot_->bytes().Read(
        begin * 4,
        {reinterpret_cast<std::uint8_t*>(out.data()), out.size_bytes()});
  }
  std::span<const float> InMemory() const override {
    const auto bytes = slot_->bytes().InMemory();
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / 4};
  }

 private:
  const SlotPointer slot_;
};

class StagingArea::Core::Connection final : public Upload {
 public:
  Connection(std::shared_ptr<Core> core, SlotPointer slot)
      : core_(std::move(core)), slot_(std::move(slot)), owner_(slot_->Own()) {}
  ~Connection() override {
    if (slot_ != nullptr) core_->Park(slot_, owner_);
  }

  std::int64_t offset() const override { return slot_->offset(); }
  std::int64_t total_bytes() const override { return slot_->key().bytes; }
  Status Append(std::span<const std::uint8_t> bytes) override {
    return slot_->Append(owner_, bytes);
  }
  StatusOr<std::shared_ptr<const VectorSource>> Take() override {
    const Status status = slot_->CheckWhole(owner_);
    if (status.ok() || absl::IsDataLoss(status)) core_->Remove(slot_);
    FEDGAP_RETURN_IF_ERROR(status);
    return std::make_shared<StagedVector>(slot_);
  }

 private:
  const std::shared_ptr<Core> core_;
  const SlotPointer slot_;
  const std::uint64_t owner_;
};

StagingArea::Core::SlotPointer StagingArea::Core::Find(
    const ClientName& client) const {
  const auto found = uploads_.find(client);
  return found == uploads_.end() ? nullptr : found->second;
}

void StagingArea::Core::Grant(Waiting waiting, Actions& actions) {
  SlotPointer slot = Find(waiting.key.client);
  Status status;
  if (slot == nullptr) {
    std::unique_ptr<StagedBytes> bytes;
    if (waiting.key.bytes <= options_.memory_bytes) {
      bytes = StagedInMemory(waiting.key.bytes);
    } else {
      auto file = StagedInFile(options_.directory, waiting.key.bytes);
      if (file.ok()) bytes = *std::move(file);
      status = file.status();
    }
    if (status.ok()) {
      slot = std::make_shared<Slot>(shared_from_this(), waiting.key,
                                    std::move(bytes));
      uploads_[waiting.key.client] = slot;
      ++taken_;
    }
  }
  if (!status.ok()) {
    actions.push_back(
        [granted = std::move(waiting.granted), status] { granted(status); });
    return;
  }
  // Owned from here on, so that nobody else finds it parked.
  auto upload = std::make_shared<std::unique_ptr<Upload>>(
      std::make_unique<Connection>(shared_from_this(), std::move(slot)));
  actions.push_back([granted = std::move(waiting.granted), upload] {
    granted(std::move(*upload));
  });
}

void StagingArea::Core::Refuse(const std::function<bool(const Key&)>& which,
                               const Status& status, Actions& actions) {
  std::erase_if(line_, [&](Waiting& waiting) {
    if (!which(waiting.key)) return false;
    actions.push_back(
        [granted = std::move(waiting.granted), status] { granted(status); });
    return true;
  });
}

void StagingArea::Core::Drop(const SlotPointer& slot, const Status& status,
                             Actions& actions) {
  slot->Revoke(status);
  uploads_.erase(slot->key().client);
  actions.push_back([slot] {});
}

StagingArea::Ticket StagingArea::Core::Acquire(const Key& key,
                                               Granted granted) {
  FEDGAP_CHECK(key.bytes > 0 && key.bytes % 4 == 0);
  Actions actions;
  Ticket ticket;
  {
    MutexLock lock(mutex_);
    ticket = next_ticket_++;
    Refuse([&key](const Key& other) { return other.client == key.client; },
           TookOver(), actions);
    SlotPointer slot = Find(key.client);
    if (slot != nullptr && slot->key() != key) {
      Drop(slot, TookOver(), actions);
      slot.reset();
    }
    if (slot != nullptr || (taken_ < options_.slots && line_.empty())) {
      Grant({ticket, key, std::move(granted)}, actions);
    } else {
      line_.push_back({ticket, key, std::move(granted)});
    }
    actions.push_back([slot] {});
  }
  Run(actions);
  return ticket;
}

void StagingArea::Core::Withdraw(Ticket ticket) {
  Actions actions;
  MutexLock lock(mutex_);
  std::erase_if(line_, [&](Waiting& waiting) {
    if (waiting.ticket != ticket) return false;
    actions.push_back([granted = std::move(waiting.granted)] {});
    return true;
  });
}

void StagingArea::Core::EndTasks(const ClientName& client, Round through,
                                 const TaskId& open) {
  const auto is_over = [&](const Key& key) {
    return key.client == client && key.round <= through && key.task != open;
  };
  Actions actions;
  {
    MutexLock lock(mutex_);
    const SlotPointer slot = Find(client);
    if (slot != nullptr && is_over(slot->key())) {
      Drop(slot, TaskOver(), actions);
    }
    Refuse(is_over, TaskOver(), actions);
  }
  Run(actions);
}

void StagingArea::Core::Expire() {
  Actions actions;
  {
    MutexLock lock(mutex_);
    const Clock::Time limit = clock_.Now() - options_.resume_window;
    std::vector<SlotPointer> old;
    for (const auto& [client, slot] : uploads_) {
      if (slot->ParkedBefore(limit)) old.push_back(slot);
    }
    for (const SlotPointer& slot : old) {
      Drop(slot, TaskOver(), actions);
    }
  }
  Run(actions);
}

void StagingArea::Core::Clear() {
  // Their ends take the lock.
  std::map<ClientName, SlotPointer> uploads;
  std::deque<Waiting> line;
  MutexLock lock(mutex_);
  uploads.swap(uploads_);
  line.swap(line_);
}

StagingArea::Usage StagingArea::Core::usage() const {
  MutexLock lock(mutex_);
  return {taken_, static_cast<int>(line_.size())};
}

void StagingArea::Core::SlotFreed() {
  Actions actions;
  {
    MutexLock lock(mutex_);
    --taken_;
    while (taken_ < options_.slots && !line_.empty()) {
      Waiting next = std::move(line_.front());
      line_.pop_front();
      Grant(std::move(next), actions);
    }
  }
  Run(actions);
}

void StagingArea::Core::Park(const SlotPointer& slot, std::uint64_t owner) {
  slot->Park(owner, clock_.Now());
}

void StagingArea::Core::Remove(const SlotPointer& slot) {
  MutexLock lock(mutex_);
  if (Find(slot->key().client) == slot) uploads_.erase(slot->key().client);
}

StatusOr<std::unique_ptr<StagingArea>> StagingArea::Create(Options options,
                                                           const Clock& clock) {
  if (options.slots < 1) {
    return absl::InvalidArgumentError(fmt::format(
        "upload_slots is {}; at least one is needed", options.slots));
  }
  FEDGAP_RETURN_IF_ERROR(StagedInFile(options.directory, 0).status());
  return std::unique_ptr<StagingArea>(
      new StagingArea(std::make_shared<Core>(std::move(options), clock)));
}

StagingArea::StagingArea(std::shared_ptr<Core> core) : core_(std::move(core)) {}

StagingArea::~StagingArea() { core_->Clear(); }

StagingArea::Ticket StagingArea::Acquire(const Key& key, Granted granted) {
  return core_->Acquire(key, std::move(granted));
}
void StagingArea::Withdraw(Ticket ticket) { core_->Withdraw(ticket); }
void StagingArea::EndTasks(const ClientName& client, Round through,
                           const TaskId& open) {
  core_->EndTasks(client, through, open);
}
void StagingArea::Expire() { core_->Expire(); }
StagingArea::Usage StagingArea::usage() const { return core_->usage(); }

}  // namespace fedgap
