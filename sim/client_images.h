// A simulated client's images, out of a set that all clients share.
#ifndef FEDGAP_SIM_CLIENT_IMAGES_H_
#define FEDGAP_SIM_CLIENT_IMAGES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_source.h"
#include "common/data/image_dataset.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// The samples `indices` of `base` in that order: image k at sizes[k] (empty
// `sizes`: each at its own), then at `resize` if that is given (the rival that
// brings every image to one size). The same bytes as a client program reads
// with --resolution. Where no image changes, a view of 4 bytes a sample.
// INVALID_ARGUMENT for a size beyond what resizing allows.
StatusOr<std::shared_ptr<const DataSource>> ClientImages(
    const std::shared_ptr<const ImageDataset>& base,
    std::vector<std::uint32_t> indices, std::span<const ImageSize> sizes,
    std::optional<ImageSize> resize);

}  // namespace fedgap

#endif  // FEDGAP_SIM_CLIENT_IMAGES_H_
