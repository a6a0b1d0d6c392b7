// Whatever chunks a server sends, in whatever order, the download neither
// crashes nor takes more memory than it was allowed. A record of the input is
// an offset, a total and a length (two bytes each, little endian), then bytes.
#include <algorithm>
#include <cstdint>
#include <span>

#include "client/rpc/model_download.h"
#include "common/base/check.h"

namespace fedgap {
namespace {

constexpr std::int64_t kMaxBytes = 1 << 15;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  ModelDownload download({}, {}, kMaxBytes);
  std::span<const std::uint8_t> rest(data, size);
  const auto number = [&rest] {
    const std::int64_t value = rest[0] + rest[1] * 256;
    rest = rest.subspan(2);
    return value;
  };
  while (rest.size() >= 6) {
    ModelChunkView chunk;
    // Most of what makes no sense begins where it should.
    const std::int64_t offset = number();
    chunk.offset = offset == 0 ? download.offset() : offset;
    chunk.total_bytes = number();
    const auto length =
        std::min(static_cast<std::size_t>(number()), rest.size());
    chunk.bytes = rest.first(length);
    rest = rest.subspan(length);
    download.Add(chunk).IgnoreError();
    FEDGAP_CHECK(download.offset() <= kMaxBytes);
  }
  download.Take().IgnoreError();
  return 0;
}

}  // namespace fedgap
