#include "sim/mpi/mpi_rank_group.h"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

namespace fedgap {
namespace {

using std::chrono::steady_clock;

constexpr int kTag = 1;

// MPI's own waiting polls and takes a whole core, which another rank of this
// machine may need. The pauses between two looks grow with the wait: an early
// rank is late by an eighth of what it waited, and by a millisecond at most.
constexpr auto kShortestPause = std::chrono::microseconds(10);
constexpr auto kLongestPause = std::chrono::milliseconds(1);
constexpr int kPauseOfWait = 8;

// With the default error handler the library ends all processes by itself;
// this is for those that it returns all the same.
Status FromMpi(int code, const char* what) {
  if (code == MPI_SUCCESS) return absl::OkStatus();
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  return absl::UnavailableError(
      fmt::format("MPI cannot {}: {}", what,
                  std::string(text.data(), static_cast<std::size_t>(length))));
}

Status AwaitPatiently(MPI_Request request) {
  const auto began = steady_clock::now();
  while (true) {
    int done = 0;
    FEDGAP_RETURN_IF_ERROR(
        FromMpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "wait"));
    if (done != 0) return absl::OkStatus();
    std::this_thread::sleep_for(std::clamp<steady_clock::duration>(
        (steady_clock::now() - began) / kPauseOfWait, kShortestPause,
        kLongestPause));
  }
}

double SecondsSince(steady_clock::time_point began) {
  return std::chrono::duration<double>(steady_clock::now() - began).count();
}

// Counts a call from its construction on.
class Counted {
 public:
  explicit Counted(MpiRankGroup::Spent& spent) : spent_(spent) {}
  ~Counted() { spent_.seconds += SecondsSince(began_); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  void Moved(std::size_t bytes) {
    spent_.bytes += static_cast<std::int64_t>(bytes);
  }

 private:
  MpiRankGroup::Spent& spent_;
  const steady_clock::time_point began_ = steady_clock::now();
};

// Calls `piece(begin, count)` for pieces of `all` elements.
template <typename Piece>
Status ForPieces(std::size_t all, std::size_t most, const Piece& piece) {
  for (std::size_t begin = 0; begin < all; begin += most) {
    const auto count = static_cast<int>(std::min(most, all - begin));
    FEDGAP_RETURN_IF_ERROR(piece(begin, count));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<MpiRankGroup>> MpiRankGroup::Create(
    const Options& options) {
  int started = 0;
  MPI_Initialized(&started);
  if (started != 0) return absl::FailedPreconditionError("MPI runs already");
  // Only the thread that makes the group speaks to the others.
  int provided = MPI_THREAD_SINGLE;
  FEDGAP_RETURN_IF_ERROR(
      FromMpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided),
              "start"));
  if (provided < MPI_THREAD_FUNNELED) {
    return absl::FailedPreconditionError(
        "this MPI library cannot be used by a program with threads");
  }
  return std::unique_ptr<MpiRankGroup>(new MpiRankGroup(options));
}

MpiRankGroup::MpiRankGroup(const Options& options) : options_(options) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  MPI_Comm here = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL,
                      &here);
  MPI_Comm_size(here, &ranks_here_);
  MPI_Comm_free(&here);
}

MpiRankGroup::~MpiRankGroup() { MPI_Finalize(); }

Status MpiRankGroup::Meet() {
  const auto began = steady_clock::now();
  MPI_Request all_here = MPI_REQUEST_NULL;
  FEDGAP_RETURN_IF_ERROR(FromMpi(MPI_Ibarrier(MPI_COMM_WORLD, &all_here),
                                 "ask for the other ranks"));
  FEDGAP_RETURN_IF_ERROR(AwaitPatiently(all_here));
  traffic_.waited_seconds += SecondsSince(began);
  return absl::OkStatus();
}

StatusOr<RankGroup::Bytes> MpiRankGroup::Broadcast(Bytes bytes) {
  FEDGAP_RETURN_IF_ERROR(Meet());
  Counted counted(traffic_.broadcast);
  std::uint64_t size = bytes.size();
  FEDGAP_RETURN_IF_ERROR(
      FromMpi(MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD),
              "broadcast a length"));
  bytes.resize(size);
  counted.Moved(size);
  FEDGAP_RETURN_IF_ERROR(ForPieces(
      bytes.size(), options_.piece_bytes, [&](std::size_t begin, int count) {
        return FromMpi(
            MPI_Bcast(bytes.data() + begin, count, MPI_BYTE, 0, MPI_COMM_WORLD),
            "broadcast");
      }));
  return bytes;
}

StatusOr<std::vector<RankGroup::Bytes>> MpiRankGroup::Gather(Bytes bytes) {
  FEDGAP_RETURN_IF_ERROR(Meet());
  Counted counted(traffic_.gathered);
  const std::uint64_t size = bytes.size();
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(size_));
  FEDGAP_RETURN_IF_ERROR(
      FromMpi(MPI_Gather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T,
                         0, MPI_COMM_WORLD),
              "gather lengths"));
  if (!is_root()) {
    counted.Moved(size);
    FEDGAP_RETURN_IF_ERROR(ForPieces(
        bytes.size(), options_.piece_bytes, [&](std::size_t begin, int count) {
          return FromMpi(MPI_Send(bytes.data() + begin, count, MPI_BYTE, 0,
                                  kTag, MPI_COMM_WORLD),
                         "send");
        }));
    return std::vector<Bytes>();
  }
  std::vector<Bytes> all(sizes.size());
  all.front() = std::move(bytes);
  for (int rank = 1; rank < size_; ++rank) {
    Bytes& theirs = all[static_cast<std::size_t>(rank)];
    theirs.resize(sizes[static_cast<std::size_t>(rank)]);
    counted.Moved(theirs.size());
    FEDGAP_RETURN_IF_ERROR(ForPieces(
        theirs.size(), options_.piece_bytes, [&](std::size_t begin, int count) {
          return FromMpi(MPI_Recv(theirs.data() + begin, count, MPI_BYTE, rank,
                                  kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                         "receive");
        }));
  }
  return all;
}

Status MpiRankGroup::SumToRoot(std::span<std::int64_t> values) {
  FEDGAP_RETURN_IF_ERROR(Meet());
  Counted counted(traffic_.summed);
  counted.Moved(values.size_bytes());
  return ForPieces(values.size(), options_.piece_bytes / sizeof(std::int64_t),
                   [&](std::size_t begin, int count) {
                     std::int64_t* piece = values.data() + begin;
                     return FromMpi(MPI_Reduce(is_root() ? MPI_IN_PLACE : piece,
                                               piece, count, MPI_INT64_T,
                                               MPI_SUM, 0, MPI_COMM_WORLD),
                                    "sum");
                   });
}

Status MpiRankGroup::UniteForAll(std::span<std::uint64_t> bits) {
  FEDGAP_RETURN_IF_ERROR(Meet());
  Counted counted(traffic_.summed);
  counted.Moved(bits.size_bytes());
  return FromMpi(
      MPI_Allreduce(MPI_IN_PLACE, bits.data(), static_cast<int>(bits.size()),
                    MPI_UINT64_T, MPI_BOR, MPI_COMM_WORLD),
      "unite");
}

void MpiRankGroup::Abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace fedgap
