#include "server/core/staging_slot.h"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

static_assert(std::endian::native == std::endian::little,
              "vectors are staged as they travel");

class StagedVector final : public VectorSource {
 public:
  explicit StagedVector(std::shared_ptr<const StagingSlot> slot)
      : slot_(std::move(slot)) {}

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
  const std::shared_ptr<const StagingSlot> slot_;
};

class Connection final : public Upload {
 public:
  explicit Connection(std::shared_ptr<StagingSlot> slot)
      : slot_(std::move(slot)), owner_(slot_->Own()) {}
  ~Connection() override { slot_->Park(owner_); }

  std::int64_t offset() const override { return slot_->offset(); }
  std::int64_t total_bytes() const override { return slot_->key().bytes; }
  Status Append(const BytePieces& bytes) override {
    return slot_->Append(owner_, bytes);
  }
  StatusOr<std::shared_ptr<const VectorSource>> Take() override {
    const Status status = slot_->CheckWhole(owner_);
    if (status.ok() || absl::IsDataLoss(status)) slot_->table().Remove(*slot_);
    FEDGAP_RETURN_IF_ERROR(status);
    return std::make_shared<StagedVector>(slot_);
  }
  Status Check() const override { return slot_->Check(owner_); }

 private:
  const std::shared_ptr<StagingSlot> slot_;
  const std::uint64_t owner_;
};

}  // namespace

StagingSlot::StagingSlot(std::shared_ptr<StagingTable> table, Key key,
                         std::unique_ptr<StagedBytes> bytes)
    : table_(std::move(table)),
      key_(std::move(key)),
      made_(table_->Now()),
      bytes_(std::move(bytes)) {}

StagingSlot::~StagingSlot() {
  bytes_.reset();
  table_->SlotFreed();
}

Status StagingSlot::TookOver() {
  return absl::AbortedError("another connection of this client took over");
}

std::uint64_t StagingSlot::Own() {
  MutexLock lock(mutex_);
  parked_.reset();
  return ++owner_;
}

void StagingSlot::Revoke(const Status& status) {
  MutexLock lock(mutex_);
  revoked_ = status;
}

void StagingSlot::Park(std::uint64_t owner) {
  const Clock::Time now = table_->Now();
  MutexLock lock(mutex_);
  if (owner == owner_) parked_ = now;
}

bool StagingSlot::ParkedBefore(Clock::Time time) const {
  MutexLock lock(mutex_);
  return parked_.has_value() && *parked_ < time;
}

std::int64_t StagingSlot::offset() const {
  MutexLock lock(mutex_);
  return offset_;
}

Status StagingSlot::Append(std::uint64_t owner, const BytePieces& bytes) {
  MutexLock lock(mutex_);
  FEDGAP_RETURN_IF_ERROR(CheckOwner(owner));
  if (bytes.size() > key_.bytes - offset_) {
    return absl::InvalidArgumentError(
        fmt::format("the update has {} bytes; a chunk at byte {} has {} more",
                    key_.bytes, offset_, bytes.size()));
  }
  const Status written = bytes_->Write(offset_, bytes);
  if (!written.ok()) return table_->CannotStore(written);
  for (const auto piece : bytes) checksum_.Update(piece);
  offset_ += bytes.size();
  return absl::OkStatus();
}

Status StagingSlot::Check(std::uint64_t owner) const {
  MutexLock lock(mutex_);
  return CheckOwner(owner);
}

Status StagingSlot::CheckWhole(std::uint64_t owner) const {
  MutexLock lock(mutex_);
  FEDGAP_RETURN_IF_ERROR(CheckOwner(owner));
  FEDGAP_CHECK(offset_ == key_.bytes);
  if (ToHex(checksum_.Digest()) == key_.digest) return absl::OkStatus();
  return absl::DataLossError(
      "the update's bytes do not match its digest; send it again");
}

Status StagingSlot::CheckOwner(std::uint64_t owner) const {
  FEDGAP_RETURN_IF_ERROR(revoked_);
  return owner == owner_ ? absl::OkStatus() : TookOver();
}

std::unique_ptr<Upload> ConnectTo(std::shared_ptr<StagingSlot> slot) {
  return std::make_unique<Connection>(std::move(slot));
}

}  // namespace fedgap
