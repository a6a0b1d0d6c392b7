// Whatever clients' connections do to a staging area, in whatever order, what
// comes out of it is what one of them announced and sent, no slot is lost, and
// none is taken beyond the number. A record of the input is an operation, a
// connection and a number.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/crypto/sha256.h"
#include "common/crypto/xxh3.h"
#include "server/core/staging_area.h"
#include "tests/testing/manual_clock.h"

namespace fedgap {
namespace {

constexpr int kSlots = 2;
constexpr std::size_t kConnections = 4;
// Beyond what stands in memory: the largest are files.
constexpr std::int64_t kMemoryBytes = 192;

// Of two clients, each with three updates of other lengths.
std::vector<std::uint8_t> BytesOf(unsigned update) {
  std::vector<std::uint8_t> bytes(64 * (1 + update % 4));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 7 + update);
  }
  return bytes;
}

struct Connection {
  std::vector<std::uint8_t> bytes;
  StagingArea::Ticket ticket = 0;
  std::shared_ptr<std::unique_ptr<Upload>> upload;  // empty while it waits
};

class Session {
 public:
  Session() {
    area_ = StagingArea::Create({.directory = "/tmp",
                                 .slots = kSlots,
                                 .memory_bytes = kMemoryBytes},
                                clock_)
                .value();
  }

  void Run(unsigned operation, std::size_t at, unsigned number) {
    Connection& connection = connections_[at];
    switch (operation) {
      case 0:
        Begin(connection, at, number);
        break;
      case 1:
        Append(connection, number, /*damaged=*/false);
        break;
      case 2:
        Append(connection, number, /*damaged=*/true);
        break;
      case 3:
        Take(connection);
        break;
      case 4:
        End(connection);
        break;
      case 5:
        area_->EndTasks(ClientOf(at), static_cast<Round>(number % 4), {});
        break;
      case 6:
        clock_.Advance(std::chrono::seconds(number));
        area_->Expire();
        break;
      default:
        held_.clear();  // the aggregation has done with them
        break;
    }
    const StagingArea::Usage usage = area_->usage();
    FEDGAP_CHECK(usage.slots >= 0 && usage.slots <= kSlots);
    FEDGAP_CHECK(usage.waiting >= 0 &&
                 usage.waiting <= static_cast<int>(kConnections));
  }

  // All are gone and everything is old: every slot is free.
  void Finish() {
    for (Connection& connection : connections_) End(connection);
    held_.clear();
    clock_.Advance(std::chrono::hours(1));
    area_->Expire();
    FEDGAP_CHECK(area_->usage().slots == 0);
    FEDGAP_CHECK(area_->usage().waiting == 0);
  }

 private:
  static ClientName ClientOf(std::size_t connection) {
    return {connection % 2 == 0 ? "a" : "b"};
  }

  void Begin(Connection& connection, std::size_t at, unsigned number) {
    End(connection);
    connection.bytes = BytesOf(number);
    connection.upload = std::make_shared<std::unique_ptr<Upload>>();
    const Round round = static_cast<Round>(number % 3);
    connection.ticket = area_->Acquire(
        {.client = ClientOf(at),
         .task = {fmt::format("t{}", round)},
         .round = round,
         .digest = ToHex(Xxh3Of128(connection.bytes)),
         .bytes = std::ssize(connection.bytes)},
        [place = connection.upload](StatusOr<std::unique_ptr<Upload>> upload) {
          if (upload.ok()) *place = *std::move(upload);
        });
  }

  static Upload* UploadOf(Connection& connection) {
    return connection.upload == nullptr ? nullptr : connection.upload->get();
  }

  // Of the bytes that come next, or of others; at times more than are left.
  static void Append(Connection& connection, unsigned number, bool damaged) {
    Upload* upload = UploadOf(connection);
    if (upload == nullptr) return;
    const std::int64_t before = upload->offset();
    FEDGAP_CHECK(before <= upload->total_bytes());
    const auto from = connection.bytes.begin() + before;
    const auto length =
        std::min<std::int64_t>(number, std::ssize(connection.bytes) - before);
    std::vector<std::uint8_t> bytes(from, from + length);
    if (damaged) bytes.push_back(0xFF);
    const Status status = upload->Append(std::span<const std::uint8_t>(bytes));
    FEDGAP_CHECK(upload->offset() ==
                 (status.ok() ? before + std::ssize(bytes) : before));
  }

  void Take(Connection& connection) {
    Upload* upload = UploadOf(connection);
    if (upload == nullptr || upload->offset() != upload->total_bytes()) return;
    auto taken = upload->Take();
    if (!taken.ok()) return;
    std::vector<float> values(connection.bytes.size() / sizeof(float));
    FEDGAP_CHECK((*taken)->Read(0, values).ok());
    FEDGAP_CHECK(
        std::ranges::equal(std::as_bytes(std::span(values)),
                           std::as_bytes(std::span(connection.bytes))));
    held_.push_back(*std::move(taken));
    End(connection);
  }

  void End(Connection& connection) {
    if (connection.upload == nullptr) return;
    area_->Withdraw(connection.ticket);
    connection = {};
  }

  ManualClock clock_;
  std::unique_ptr<StagingArea> area_;
  std::array<Connection, kConnections> connections_;
  std::vector<std::shared_ptr<const VectorSource>> held_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  Session session;
  for (std::span rest(data, size); rest.size() >= 2; rest = rest.subspan(2)) {
    session.Run(rest[0] % 8, rest[0] / 8 % kConnections, rest[1]);
  }
  session.Finish();
  return 0;
}

}  // namespace fedgap
