// A client's files, damaged in whatever way, never crash their readers; what is
// accepted is written as the same bytes again. The input lacks the checksum at
// the end of a file: no fuzzer finds that.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "client/store/state_file.h"
#include "common/base/check.h"
#include "common/crypto/xxh3.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::vector<std::uint8_t> file(data, data + size);
  FEDGAP_CHECK(!ParseSavedUpdate(file, "file").ok() || size > 0);
  const Xxh3Digest digest = Xxh3Of128(file);
  file.insert(file.end(), digest.begin(), digest.end());
  if (const auto saved = ParseSavedUpdate(file, "file"); saved.ok()) {
    // Protobuf knows several forms of one header.
    const auto written = EncodeSavedUpdate(saved->update, saved->provisional);
    const auto again = ParseSavedUpdate(written, "file");
    FEDGAP_CHECK(again.ok());
    FEDGAP_CHECK(EncodeSavedUpdate(again->update, again->provisional) ==
                 written);
  }
  if (const auto tensors = ParseLocalTensors(file, "file"); tensors.ok()) {
    FEDGAP_CHECK(EncodeLocalTensors(*tensors) == file);
  }
  return 0;
}

}  // namespace fedgap
