#include "server/core/staging_area.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/mutex.h"
#include "server/core/staged_bytes.h"
#include "server/core/staging_slot.h"

namespace fedgap {
namespace {

constexpr std::chrono::minutes kBetweenWarnings{1};

Status TaskOver() {
  return absl::FailedPreconditionError(
      "the task is over; the update came too late");
}

Status TooSlow(std::int64_t min_bytes_per_second) {
  return absl::UnavailableError(
      fmt::format("the update came slower than {} bytes a second while others "
                  "waited for its slot; send it again",
                  min_bytes_per_second));
}

}  // namespace

class StagingArea::Core final : public StagingTable,
                                public std::enable_shared_from_this<Core> {
 public:
  Core(Options options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  Ticket Acquire(const Key& key, Granted granted) EXCLUDES(mutex_);
  void Withdraw(Ticket ticket) EXCLUDES(mutex_);
  void EndTasks(const ClientName& client, Round through, const TaskId& open)
      EXCLUDES(mutex_);
  void EndTasks(const IsOver& is_over) EXCLUDES(mutex_);
  void Expire() EXCLUDES(mutex_);
  void Clear() EXCLUDES(mutex_);
  Usage usage() const EXCLUDES(mutex_);

 private:
  using SlotPointer = std::shared_ptr<StagingSlot>;

  struct Waiting {
    Ticket ticket;
    Key key;
    Granted granted;
  };
  // Called after the lock is gone, in order; what they refer to dies with
  // them, for a slot's end takes the lock.
  using Actions = std::vector<std::function<void()>>;

  void SlotFreed() override EXCLUDES(mutex_);
  Status CannotStore(const Status& cause) override EXCLUDES(warning_);
  Clock::Time Now() const override { return clock_.Now(); }
  void Remove(const StagingSlot& slot) override EXCLUDES(mutex_);

  SlotPointer Find(const ClientName& client) const REQUIRES(mutex_);
  // A new one, in the table.
  StatusOr<SlotPointer> MakeSlot(const Key& key) REQUIRES(mutex_);
  void Grant(Waiting waiting, Actions& actions) REQUIRES(mutex_);
  // Refuses the clients' places in the line that `which` chooses.
  void Refuse(const std::function<bool(const Key&)>& which,
              const Status& status, Actions& actions) REQUIRES(mutex_);
  void Drop(const SlotPointer& slot, const Status& status, Actions& actions)
      REQUIRES(mutex_);
  bool IsTooSlow(const StagingSlot& slot, Clock::Time now) const;
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
  Mutex warning_;  // after all others
  std::optional<Clock::Time> warned_ GUARDED_BY(warning_);
};

StagingArea::Core::SlotPointer StagingArea::Core::Find(
    const ClientName& client) const {
  const auto found = uploads_.find(client);
  return found == uploads_.end() ? nullptr : found->second;
}

StatusOr<StagingArea::Core::SlotPointer> StagingArea::Core::MakeSlot(
    const Key& key) {
  std::unique_ptr<StagedBytes> bytes;
  if (key.bytes <= options_.memory_bytes) {
    bytes = StagedInMemory(key.bytes);
  } else {
    auto file = StagedInFile(options_.directory, key.bytes);
    if (!file.ok()) return CannotStore(file.status());
    bytes = *std::move(file);
  }
  auto slot =
      std::make_shared<StagingSlot>(shared_from_this(), key, std::move(bytes));
  uploads_[key.client] = slot;
  ++taken_;
  return slot;
}

void StagingArea::Core::Grant(Waiting waiting, Actions& actions) {
  StatusOr<SlotPointer> slot = Find(waiting.key.client);
  if (*slot == nullptr) slot = MakeSlot(waiting.key);
  if (!slot.ok()) {
    actions.push_back([granted = std::move(waiting.granted),
                       status = slot.status()] { granted(status); });
    return;
  }
  // Owned from here on, so that nobody else finds it parked.
  auto upload =
      std::make_shared<std::unique_ptr<Upload>>(ConnectTo(*std::move(slot)));
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
           StagingSlot::TookOver(), actions);
    SlotPointer slot = Find(key.client);
    if (slot != nullptr && slot->key() != key) {
      Drop(slot, StagingSlot::TookOver(), actions);
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

void StagingArea::Core::EndTasks(const IsOver& is_over) {
  // Asked without the lock: whoever answers may be freeing a slot under a lock
  // of its own.
  std::vector<SlotPointer> slots;
  std::vector<std::pair<Ticket, Key>> places;
  {
    MutexLock lock(mutex_);
    for (const auto& [client, slot] : uploads_) slots.push_back(slot);
    for (const Waiting& waiting : line_) {
      places.emplace_back(waiting.ticket, waiting.key);
    }
  }
  std::erase_if(slots, [&](const SlotPointer& slot) {
    return !is_over(slot->key().client, slot->key().task);
  });
  std::set<Ticket> over;
  for (const auto& [ticket, key] : places) {
    if (is_over(key.client, key.task)) over.insert(ticket);
  }
  Actions actions;
  {
    MutexLock lock(mutex_);
    for (const SlotPointer& slot : slots) {
      if (Find(slot->key().client) == slot) Drop(slot, TaskOver(), actions);
    }
    std::erase_if(line_, [&](Waiting& waiting) {
      if (!over.contains(waiting.ticket)) return false;
      actions.push_back(
          [granted = std::move(waiting.granted)] { granted(TaskOver()); });
      return true;
    });
  }
  Run(actions);
}

bool StagingArea::Core::IsTooSlow(const StagingSlot& slot,
                                  Clock::Time now) const {
  const double due = ToSeconds(now - slot.made() - options_.grace) *
                     static_cast<double>(options_.min_bytes_per_second);
  return static_cast<double>(slot.offset()) < due;
}

void StagingArea::Core::Expire() {
  Actions actions;
  {
    MutexLock lock(mutex_);
    const Clock::Time now = clock_.Now();
    const Clock::Time limit = now - options_.resume_window;
    // One for each that waits: more would gain nobody anything.
    const std::size_t needed = line_.size();
    std::vector<std::pair<SlotPointer, Status>> ended;
    for (const auto& [client, slot] : uploads_) {
      if (slot->ParkedBefore(limit)) {
        ended.emplace_back(slot, TaskOver());
      } else if (ended.size() < needed && IsTooSlow(*slot, now)) {
        ended.emplace_back(slot, TooSlow(options_.min_bytes_per_second));
      }
    }
    for (const auto& [slot, status] : ended) Drop(slot, status, actions);
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

Status StagingArea::Core::CannotStore(const Status& cause) {
  bool warns = false;
  {
    const Clock::Time now = clock_.Now();
    MutexLock lock(warning_);
    warns = !warned_.has_value() || now - *warned_ >= kBetweenWarnings;
    if (warns) warned_ = now;
  }
  if (warns && options_.on_warning != nullptr) {
    options_.on_warning(
        fmt::format("updates cannot be stored, and their clients keep them and "
                    "come back: {}",
                    MessageOf(cause)));
  }
  return absl::UnavailableError(
      "the server cannot store the update now (its operator is told why); "
      "send it again later");
}

void StagingArea::Core::Remove(const StagingSlot& slot) {
  MutexLock lock(mutex_);
  if (Find(slot.key().client).get() == &slot) {
    uploads_.erase(slot.key().client);
  }
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
void StagingArea::EndTasks(const IsOver& is_over) { core_->EndTasks(is_over); }
void StagingArea::Expire() { core_->Expire(); }
StagingArea::Usage StagingArea::usage() const { return core_->usage(); }

}  // namespace fedgap
