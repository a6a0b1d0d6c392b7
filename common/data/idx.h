// IDX files: the format of MNIST and its successors.
//
// Big-endian: two zero bytes, the type (0x08, unsigned byte, is the only one
// read here), the number of dimensions, one 32-bit extent a dimension, then the
// values. Images have three dimensions [count, height, width], labels one.
// Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
#ifndef FEDGAP_COMMON_DATA_IDX_H_
#define FEDGAP_COMMON_DATA_IDX_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_split.h"
#include "common/data/image_dataset.h"

namespace fedgap {

// Unsigned bytes with their extents.
struct IdxArray {
  std::vector<std::uint32_t> extents;
  std::vector<std::uint8_t> values;
};

// Parses a whole file, plain or gzip. INVALID_ARGUMENT: wrong magic number, a
// type that is not unsigned byte, not `dimensions` dimensions, fewer or more
// bytes than the extents say. DATA_LOSS: damaged or truncated gzip data.
StatusOr<IdxArray> ParseIdx(std::span<const std::uint8_t> bytes,
                            int dimensions);

struct IdxOptions {
  DataSplit split = DataSplit::kTrain;
  // Empty: "0", "1", ... up to the greatest label of the whole directory.
  std::vector<std::string> class_names;
};

// Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] of a directory; the
// plain file wins where both are there. One channel. NOT_FOUND names the file
// that is missing; INVALID_ARGUMENT as ParseIdx, and when the counts of images
// and labels differ, an image is empty or a label is not a class. Every message
// names the file.
StatusOr<ImageDataset> ReadIdxDirectory(const std::filesystem::path& directory,
                                        const IdxOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_IDX_H_
