// Simulated clients written down one by one.
#ifndef FEDGAP_SIM_ROSTER_H_
#define FEDGAP_SIM_ROSTER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_spec.h"
#include "sim/population.h"
#include "sim/simulation_config.h"

namespace fedgap {

// What a client program would be started with.
struct RosterEntry {
  ClientName name;
  std::string data;  // as --data takes it
  std::optional<DataPart> part;
  std::optional<ImageSize> resolution;
};

// "site-2 part=2/6 resolution=20 data=idx:DIR partition=classes:2 seed=3"; what
// is left out is `config`'s data, partition and seed. INVALID_ARGUMENT names
// the text and what is wrong with it.
StatusOr<RosterEntry> ParseRosterEntry(std::string_view text,
                                       const SimulationConfig& config);

// Every client's images in memory, as a client program would hold them: for
// federations of a few clients.
class RosterPopulation final : public Population {
 public:
  // The clients of config.clients, their images in the given form. A
  // data set that several name is read once. INVALID_ARGUMENT for an entry
  // that makes no sense, a size that the model does not take or a name that
  // comes twice; the errors of LoadData.
  static StatusOr<std::unique_ptr<RosterPopulation>> Create(
      const SimulationConfig& config, const SharedForm& form);

  std::size_t size() const override { return clients_.size(); }
  ClientName NameOf(std::size_t i) const override { return clients_[i].name; }
  std::int64_t SampleCountOf(std::size_t i) const override {
    return clients_[i].data->size();
  }
  std::int64_t PixelsOf(std::size_t i) const override {
    return clients_[i].pixels;
  }
  StatusOr<std::shared_ptr<const DataSource>> DataOf(
      std::size_t i) const override {
    return clients_[i].data;
  }
  std::vector<Origin> OriginsOf(std::size_t i) const override {
    return clients_[i].origins;
  }
  std::vector<std::shared_ptr<const DataSource>> Sources() const override;
  bool is_roster() const override { return true; }
  std::string Describe() const override;

 private:
  struct Client {
    ClientName name;
    std::shared_ptr<const DataSource> data;
    std::vector<Origin> origins;
    std::int64_t pixels = 0;
  };
  explicit RosterPopulation(std::vector<Client> clients)
      : clients_(std::move(clients)) {}

  std::vector<Client> clients_;  // sorted by name
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_ROSTER_H_
