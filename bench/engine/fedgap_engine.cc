// fedgap's own engine, for engine_bench.
#include "bench/engine/training_engine.h"
#include "common/nn/sgd.h"

namespace fedgap::bench {
namespace {

class FedgapEngine : public TrainingEngine {
 public:
  FedgapEngine(const Workload& workload, const GradientEngine::Options& options)
      : precision_(options.precision),
        engine_(workload.model(), pool_, options),
        inference_(workload.model(), pool_, options.isa),
        parameters_(workload.parameters()),
        gradient_(parameters_.size()),
        sgd_(parameters_.size(), {.momentum = kMomentum, .isa = options.isa}) {}

  double Step(std::span<const Example> batch, float learning_rate) override {
    const BatchMetrics metrics = engine_.Compute(parameters_, batch, gradient_);
    sgd_.Step(learning_rate, gradient_, parameters_);
    return metrics.loss();
  }

  bool Evaluate(std::span<const Example> batch) override {
    // Evaluation is of float32 always.
    if (precision_ != Precision::kFloat32) return false;
    std::vector<ImageView> images;
    for (const Example& example : batch) images.push_back(example.image);
    std::vector<float> logits(images.size() * Workload::kClasses);
    // As an evaluation of a new model does.
    inference_.Load(parameters_);
    inference_.Run(images, logits, {});
    return true;
  }

 private:
  const Precision precision_;
  ThreadPool pool_{1};
  GradientEngine engine_;
  InferenceEngine inference_;
  Parameters parameters_;
  Parameters gradient_;
  Sgd sgd_;
};

StatusOr<std::unique_ptr<TrainingEngine>> MakeEngine(
    const Workload& workload, const nlohmann::json& options) {
  GradientEngine::Options made;
  made.shards = options["shards"].get<int>();
  FEDGAP_ASSIGN_OR_RETURN(
      made.isa, kernels::IsaFromString(options["isa"].get<std::string>()));
  if (options["algorithm"] == "bfloat16") made.precision = Precision::kBfloat16;
  return std::make_unique<FedgapEngine>(workload, made);
}

}  // namespace
}  // namespace fedgap::bench

int main() { return fedgap::bench::ServeRequests(fedgap::bench::MakeEngine); }
