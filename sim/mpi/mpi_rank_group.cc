#include "sim/mpi/mpi_rank_group.h"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>

namespace fedgap {
namespace {

constexpr int kTag = 1;

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

StatusOr<RankGroup::Bytes> MpiRankGroup::Broadcast(Bytes bytes) {
  std::uint64_t size = bytes.size();
  FEDGAP_RETURN_IF_ERROR(
      FromMpi(MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD),
              "broadcast a length"));
  bytes.resize(size);
  FEDGAP_RETURN_IF_ERROR(ForPieces(
      bytes.size(), options_.piece_bytes, [&](std::size_t begin, int count) {
        return FromMpi(
            MPI_Bcast(bytes.data() + begin, count, MPI_BYTE, 0, MPI_COMM_WORLD),
            "broadcast");
      }));
  return bytes;
}

StatusOr<std::vector<RankGroup::Bytes>> MpiRankGroup::Gather(Bytes bytes) {
  const std::uint64_t size = bytes.size();
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(size_));
  FEDGAP_RETURN_IF_ERROR(
      FromMpi(MPI_Gather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T,
                         0, MPI_COMM_WORLD),
              "gather lengths"));
  if (!is_root()) {
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
