// The clients of a simulated federation.
#ifndef FEDGAP_SIM_POPULATION_H_
#define FEDGAP_SIM_POPULATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_source.h"
#include "common/federation/ids.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// What the images of all clients have in common, whatever they are read from.
struct SharedForm {
  int channels = 1;
  // The federation's classes in its order; empty: the data's own.
  std::vector<std::string> class_names = {};
  // What the model says of an image's size; null: it takes every one.
  std::function<Status(ImageSize)> check_image = {};

  Status CheckImage(ImageSize size) const {
    return check_image ? check_image(size) : absl::OkStatus();
  }
};

// Clients by index, in the order of their names, so that a draw of positions
// is a draw from the sorted list of names. A client that nobody asks for costs
// nothing, or next to nothing. Immutable, hence thread-safe. Implementations:
// RosterPopulation (clients written down one by one), DrawnPopulation (any
// number over one shared data set).
class Population {
 public:
  // An image of one of the data sets behind the clients. Samples of one origin,
  // of whichever clients, are copies of one image, be it at several sizes.
  struct Origin {
    std::uint32_t set = 0;
    std::uint32_t index = 0;  // in the set
    bool operator==(const Origin&) const = default;
  };

  virtual ~Population() = default;

  virtual std::size_t size() const = 0;
  // i in [0, size()); ascending.
  virtual ClientName NameOf(std::size_t i) const = 0;
  // How many images it has. Needs no data.
  virtual std::int64_t SampleCountOf(std::size_t i) const = 0;
  // Pixels of all its samples: what a pass over its data costs, to within a
  // factor. Needs no data.
  virtual std::int64_t PixelsOf(std::size_t i) const = 0;
  // The client's images. INVALID_ARGUMENT if they cannot be made.
  virtual StatusOr<std::shared_ptr<const DataSource>> DataOf(
      std::size_t i) const = 0;
  // Which image each of the client's samples was made from, in their order.
  virtual std::vector<Origin> OriginsOf(std::size_t i) const = 0;
  // What the images of all clients are made from.
  virtual std::vector<std::shared_ptr<const DataSource>> Sources() const = 0;
  // Whether the clients are few and known by name, as those of a real
  // federation: each is then an event of its own.
  virtual bool is_roster() const = 0;
  // For a person: "1000000 clients of 600 samples of fashion-mnist".
  virtual std::string Describe() const = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_POPULATION_H_
