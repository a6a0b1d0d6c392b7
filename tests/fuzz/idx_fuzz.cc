// An IDX file from outside, plain or gzip, never crashes the reader, and what
// is accepted is as large as its extents say.
#include <cstdint>
#include <span>

#include "common/base/check.h"
#include "common/data/idx.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  for (const int dimensions : {1, 3}) {
    const StatusOr<IdxArray> array =
        ParseIdx(std::span(data, size), dimensions);
    if (!array.ok()) continue;
    std::uint64_t values = 1;
    for (const std::uint32_t extent : array->extents) values *= extent;
    FEDGAP_CHECK(array->values.size() == values);
  }
  return 0;
}

}  // namespace fedgap
