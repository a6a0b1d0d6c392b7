// Any number of simulated clients over one data set.
#ifndef FEDGAP_SIM_DRAWN_POPULATION_H_
#define FEDGAP_SIM_DRAWN_POPULATION_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/counter_rng.h"
#include "common/base/status.h"
#include "common/data/image_dataset.h"
#include "sim/population.h"
#include "sim/resolution_distribution.h"
#include "sim/simulation_config.h"

namespace fedgap {

// Clients "client-000000", "client-000001", ... with as many digits as the last
// one needs. What a client holds is a function of (config.seed, its name) and
// the data: a stored partition takes 4 bytes a sample, partition `virtual`
// nothing, however many clients there are.
class DrawnPopulation final : public Population {
 public:
  // Reads config.data in the given form. INVALID_ARGUMENT for settings
  // that make no sense and sizes that the model does not take; the errors of
  // LoadData and PartitionByTrack.
  static StatusOr<std::unique_ptr<DrawnPopulation>> Create(
      const SimulationConfig& config, const SharedForm& form);

  std::size_t size() const override { return count_; }
  ClientName NameOf(std::size_t i) const override;
  std::int64_t SampleCountOf(std::size_t i) const override;
  std::int64_t PixelsOf(std::size_t i) const override;
  StatusOr<std::shared_ptr<const DataSource>> DataOf(
      std::size_t i) const override;
  std::vector<Origin> OriginsOf(std::size_t i) const override;
  std::vector<std::shared_ptr<const DataSource>> Sources() const override {
    return {data_};
  }
  bool is_roster() const override { return false; }
  std::string Describe() const override;

  // The size that the client's images have, where they do not keep their own.
  ImageSize SizeOf(std::size_t i) const;
  // Positions in the data set.
  std::vector<std::uint32_t> SamplesOf(std::size_t i) const;

 private:
  DrawnPopulation(const SimulationConfig& config,
                  std::shared_ptr<const ImageDataset> data);
  Status Settle();
  // Before any image is brought to one of them.
  Status CheckSizes(const SharedForm& form) const;
  Status SettlePartition();

  CounterRng RngOf(std::size_t i, RngPurpose purpose) const;
  std::size_t VirtualCount(std::size_t i) const;
  std::vector<std::uint32_t> DrawSamples(std::size_t i) const;
  std::vector<ImageSize> SizesOf(std::size_t i,
                                 std::span<const std::uint32_t> samples) const;

  const SimulationConfig config_;
  const std::shared_ptr<const ImageDataset> data_;
  const std::size_t count_;
  const int digits_;
  ResolutionDistribution resolutions_;
  std::optional<ImageSize> resize_;
  double mean_pixels_ = 0;  // of an image of the data set
  // A stored partition; empty for `virtual`.
  std::vector<std::vector<std::uint32_t>> parts_;
  // For `virtual` with classes by Dirichlet(alpha_): positions by class.
  double alpha_ = 0;
  std::vector<std::vector<std::uint32_t>> by_class_;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_DRAWN_POPULATION_H_
