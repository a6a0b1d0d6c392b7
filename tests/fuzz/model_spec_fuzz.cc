// A model description from outside never crashes the reader or the graph
// checks, and whatever is accepted survives being written and read again.
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "common/nn/model.h"
#include "common/nn/model_spec.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const StatusOr<ModelSpec> spec = ParseModelSpec(text);
  if (!spec.ok()) return 0;
  const StatusOr<ModelSpec> again = ParseModelSpec(ToJson(*spec));
  FEDGAP_CHECK(again.ok());
  FEDGAP_CHECK(*again == *spec);

  const auto model = Model::Create(*spec);
  if (!model.ok()) return 0;
  const ImageSize least = (*model)->min_image_size();
  const auto sizes = (*model)->NodeSizes(least);
  FEDGAP_CHECK(sizes.ok());
  for (const ImageSize& output : *sizes) {
    FEDGAP_CHECK(output.height >= 1 && output.width >= 1);
  }
  if (least.height > 1) {
    FEDGAP_CHECK(!(*model)->CheckImage({least.height - 1, least.width}).ok());
  }
  constexpr int kLargest = Model::kMaxImageExtent;
  FEDGAP_CHECK((*model)->CheckImage({kLargest, kLargest}).ok());
  FEDGAP_CHECK((*model)->TrainingFlops({kLargest, kLargest}) >= 0);
  return 0;
}

}  // namespace fedgap
