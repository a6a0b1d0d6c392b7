// A made-up data set: for tests and first steps, where there is no real one.
#ifndef FEDGAP_COMMON_DATA_SYNTHETIC_H_
#define FEDGAP_COMMON_DATA_SYNTHETIC_H_

#include <cstdint>

#include "common/data/data_split.h"
#include "common/data/image_dataset.h"

namespace fedgap {

struct SyntheticOptions {
  std::uint64_t seed = 0;
  std::int64_t samples = 1000;  // of the training part; the test part has a
                                // quarter as many, at least one a class
  int channels = 1;
  DataSplit split = DataSplit::kTrain;
};

// Four classes in turn (horizontal stripes, vertical stripes, checkerboard,
// disc) with random period, phase, contrast and noise; each image has its own
// size, 12 to 40 px a side, mostly not square. A GAP CNN learns them. A
// function of the options alone; image i does not depend on how many there are.
ImageDataset MakeSynthetic(const SyntheticOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_SYNTHETIC_H_
