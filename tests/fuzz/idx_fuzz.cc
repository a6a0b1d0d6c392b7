// An IDX file from outside, plain or gzip, never crashes the reader, and what
// is accepted is as large as its extents say. A fuzzer finds no CRC: an input
// that begins with 'z' is the deflate data of a gzip file whose ends are made
// to fit.
#include <zlib.h>

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/check.h"
#include "common/data/idx.h"

namespace fedgap {
namespace {

using Bytes = std::vector<std::uint8_t>;

// What zlib makes of raw deflate data, up to its end or its first error.
Bytes Inflated(std::span<const std::uint8_t> deflated) {
  constexpr std::size_t kMost = 1 << 20;
  Bytes out(kMost);
  z_stream stream{};
  FEDGAP_CHECK(inflateInit2(&stream, -MAX_WBITS) == Z_OK);
  stream.next_in = const_cast<Bytef*>(deflated.data());
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

Bytes GzipOf(std::span<const std::uint8_t> deflated, const Bytes& plain) {
  Bytes file = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF};
  file.insert(file.end(), deflated.begin(), deflated.end());
  const auto number = [&file](std::uint64_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      file.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  };
  number(crc32(0, plain.data(), static_cast<uInt>(plain.size())));
  number(plain.size());
  return file;
}

void Read(std::span<const std::uint8_t> file) {
  for (const int dimensions : {1, 3}) {
    const StatusOr<IdxArray> array = ParseIdx(file, dimensions);
    if (!array.ok()) continue;
    std::uint64_t values = 1;
    for (const std::uint32_t extent : array->extents) values *= extent;
    FEDGAP_CHECK(array->values.size() == values);
  }
}

// Both forms of the same file are the same array.
void ReadBoth(std::span<const std::uint8_t> deflated) {
  const Bytes plain = Inflated(deflated);
  const Bytes file = GzipOf(deflated, plain);
  Read(file);
  for (const int dimensions : {1, 3}) {
    const StatusOr<IdxArray> array = ParseIdx(file, dimensions);
    if (!array.ok()) continue;
    const StatusOr<IdxArray> same = ParseIdx(plain, dimensions);
    FEDGAP_CHECK(same.ok());
    FEDGAP_CHECK(same->extents == array->extents);
    FEDGAP_CHECK(same->values == array->values);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::span input(data, size);
  Read(input);
  if (size > 0 && data[0] == 'z') ReadBoth(input.subspan(1));
  return 0;
}

}  // namespace fedgap
