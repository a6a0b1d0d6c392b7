#include "sim/simulation_config.h"

#include <utility>

namespace fedgap {
namespace {

using Range = ConfigRange;

}  // namespace

void BindSimulationConfig(SimulationConfig& config, ConfigSchema& schema) {
  schema
      .Section("simulation",
               "The clients that `fedgap simulate` makes up; other programs "
               "pass over it.")
      .Text("data", &config.data,
            "what the clients share out: fashion-mnist, idx:DIR, folder:DIR, "
            "synthetic:SEED,N")
      .Texts("clients", &config.clients,
             "a roster, one text a client: NAME, then what it would be started "
             "with of data=, part=I/N, partition=, seed=, resolution=")
      .Integer("population", &config.population, Range::Between(0, 1e9),
               "or so many clients, made when they are selected")
      .Text("partition", &config.partition,
            "iid, dirichlet:A, classes:K, quantity:A; virtual[:A]: each client "
            "draws its samples with replacement, classes by Dirichlet(A)")
      .Integer("samples_per_client", &config.samples_per_client,
               Range::Between(1, 1e7), "of partition virtual")
      .Integer("seed", &config.seed, Range::AtLeast(0),
               "who holds which samples at which sizes; run.seed does not "
               "change it")
      .Text("resolutions", &config.resolutions,
            "sizes and their shares of the clients, \"14:0.2, 28:0.7, "
            "24x36:0.1\"; empty or native: each image's own")
      .Number("size_class_correlation", &config.size_class_correlation,
              Range::Between(0, 1),
              "probability that an image has the size of its class (the sizes "
              "in turn) instead of its client's")
      .Number("samples_by_pixels", &config.samples_by_pixels,
              Range::Between(-4, 4),
              "of partition virtual: a client of p times the mean pixels "
              "has p to this power times the samples")
      .Text("resize", &config.resize,
            "the rival: bring every image, of clients and of the evaluation, "
            "from its size to this one")
      .Number("availability", &config.availability, Range::AboveUpTo(0, 1),
              "probability that a client is there when a round begins")
      .Number("drop_out", &config.drop_out, Range::Below(0, 1),
              "probability that a selected client never answers")
      .Number("seconds_per_megapixel", &config.seconds_per_megapixel,
              Range::AtLeast(0),
              "virtual time of a client, for each epoch; above 0 deadlines and "
              "over-selection are simulated")
      .Number("speed_spread", &config.speed_spread, Range::Between(0, 10),
              "standard deviation of the natural logarithm of the clients' "
              "times")
      .Text("one_size", &config.one_size,
            "the ceiling: every client, and the evaluation, at this size "
            "instead of its own")
      .Text("only", &config.only, "the client of this name trains alone")
      .Switch("central", &config.central,
              "one client holds what all would hold")
      .Integer("final_evaluation_clients", &config.final_evaluation_clients,
               Range::Between(0, 1e6),
               "at most so many look at the final model with what they held "
               "out; 0: none");
}

std::string SimulationReference() {
  SimulationConfig config;
  ConfigSchema schema;
  BindSimulationConfig(config, schema);
  return schema.Reference();
}

}  // namespace fedgap
