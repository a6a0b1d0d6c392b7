// The processes of an MPI job.
#ifndef FEDGAP_SIM_MPI_MPI_RANK_GROUP_H_
#define FEDGAP_SIM_MPI_MPI_RANK_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "sim/rank_group.h"

namespace fedgap {

// All processes that the launcher (mpirun, srun) started together. One a
// process, used by the thread that made it. When a process is lost, the
// launcher ends all of them: no call returns to say so, and the run goes on
// from its last commit when it is started again.
//
// A rank that is early leaves its core to others: every call begins with all
// ranks meeting, where those that wait sleep.
class MpiRankGroup final : public RankGroup {
 public:
  struct Options {
    // What is summed or sent in one call: small pieces cost latency, large ones
    // memory that the library holds beside them.
    std::size_t piece_bytes = std::size_t{4} << 20;
  };

  // What this rank has spent in the calls so far.
  struct Spent {
    std::int64_t bytes = 0;  // sent and received here
    double seconds = 0;      // without the wait for the others
  };
  struct Traffic {
    double waited_seconds = 0;  // for ranks that came later
    Spent broadcast;
    Spent gathered;
    Spent summed;
  };

  // Starts MPI. FAILED_PRECONDITION: the library cannot be used by a program
  // with threads, or was started before.
  static StatusOr<std::unique_ptr<MpiRankGroup>> Create(const Options& options);
  // Ends MPI; every rank must come here.
  ~MpiRankGroup() override;
  MpiRankGroup(const MpiRankGroup&) = delete;
  MpiRankGroup& operator=(const MpiRankGroup&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  // How many of them run on this machine.
  int ranks_here() const { return ranks_here_; }
  const Traffic& traffic() const { return traffic_; }

  StatusOr<Bytes> Broadcast(Bytes bytes) override;
  StatusOr<std::vector<Bytes>> Gather(Bytes bytes) override;
  Status SumToRoot(std::span<std::int64_t> values) override;
  Status UniteForAll(std::span<std::uint64_t> bits) override;

  // This rank cannot go on: ends all of them, this process with `exit_code`.
  [[noreturn]] void Abort(int exit_code);

 private:
  explicit MpiRankGroup(const Options& options);
  // Returns when every rank is here.
  Status Meet();

  const Options options_;
  int rank_ = 0;
  int size_ = 1;
  int ranks_here_ = 1;
  Traffic traffic_;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_MPI_MPI_RANK_GROUP_H_
