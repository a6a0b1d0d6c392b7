// The ranks of a simulation as threads of one process.
#ifndef FEDGAP_TESTS_TESTING_THREAD_RANKS_H_
#define FEDGAP_TESTS_TESTING_THREAD_RANKS_H_

#include <cstddef>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "sim/rank_group.h"

namespace fedgap {

// What the ranks have in common: a barrier and a place for each one's bytes.
class RankTable {
 public:
  using Bytes = RankGroup::Bytes;

  explicit RankTable(int size)
      : size_(size), bytes_(static_cast<std::size_t>(size)) {}

  int size() const { return size_; }

  // Everybody's bytes, once all have come. Nobody leaves before all have read.
  std::vector<Bytes> Exchange(int rank, Bytes bytes) {
    std::vector<Bytes> all;
    MutexLock lock(mutex_);
    bytes_[static_cast<std::size_t>(rank)] = std::move(bytes);
    Meet();
    all = bytes_;
    Meet();
    return all;
  }

 private:
  void Meet() REQUIRES(mutex_) {
    const int turn = turn_;
    if (++here_ == size_) {
      here_ = 0;
      ++turn_;
      all_here_.NotifyAll();
    }
    while (turn == turn_) all_here_.Wait(mutex_);
  }

  const int size_;
  Mutex mutex_;
  CondVar all_here_;
  std::vector<Bytes> bytes_ GUARDED_BY(mutex_);
  int here_ GUARDED_BY(mutex_) = 0;
  int turn_ GUARDED_BY(mutex_) = 0;
};

class ThreadRank final : public RankGroup {
 public:
  ThreadRank(RankTable& table, int rank) : table_(table), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return table_.size(); }
  StatusOr<Bytes> Broadcast(Bytes bytes) override {
    return table_.Exchange(rank_, std::move(bytes)).front();
  }
  StatusOr<std::vector<Bytes>> Gather(Bytes bytes) override {
    auto all = table_.Exchange(rank_, std::move(bytes));
    if (!is_root()) all.clear();
    return all;
  }
  Status SumToRoot(std::span<std::int64_t> values) override {
    Combine(values, [](std::uint64_t a, std::uint64_t b) { return a + b; });
    return absl::OkStatus();
  }
  Status UniteForAll(std::span<std::uint64_t> bits) override {
    Combine(bits, [](std::uint64_t a, std::uint64_t b) { return a | b; });
    return absl::OkStatus();
  }

 private:
  template <typename T, typename Operation>
  void Combine(std::span<T> values, Operation operation) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(values.data());
    const auto all =
        table_.Exchange(rank_, Bytes(begin, begin + values.size_bytes()));
    for (std::size_t j = 0; j < values.size(); ++j) {
      std::uint64_t result = 0;
      for (const Bytes& bytes : all) {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes.data() + j * sizeof(T), sizeof(T));
        result = operation(result, value);
      }
      values[j] = static_cast<T>(result);
    }
  }

  RankTable& table_;
  const int rank_;
};

// Runs `program` as every rank of a group and returns when all have ended.
inline void RunAsRanks(int size,
                       const std::function<void(RankGroup&)>& program) {
  RankTable table(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&table, &program, rank] {
      ThreadRank group(table, rank);
      program(group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_THREAD_RANKS_H_
