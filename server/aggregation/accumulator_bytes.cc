// ExactAccumulator's serial form: words of 64 bits, little-endian.
//
//   magic, elements, bins, max_count, max_weight, bits of max_abs_value, count,
//   then for each bin: weight low, weight high, mask of the digits that
//   follow, their sums; at the end the XXH3-64 of all that.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/crypto/xxh3.h"
#include "server/aggregation/exact_accumulator.h"

namespace fedgap {
namespace {

static_assert(std::endian::native == std::endian::little,
              "words are written as they stand in memory");

constexpr std::uint64_t kMagic = 0x3143434150414746ULL;  // "FGAPACC1"
constexpr std::int64_t kMaxSum = std::int64_t{1} << 62;

class WordWriter {
 public:
  void Write(std::uint64_t word) { WriteBytes(&word, sizeof(word)); }
  void WriteBytes(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }
  std::vector<std::uint8_t> Finish() {
    Write(Xxh3Of64(bytes_));
    return std::move(bytes_);
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Reads zeros past the end; ok() says whether that happened.
class WordReader {
 public:
  explicit WordReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint64_t Read() {
    std::uint64_t word = 0;
    ReadBytes(&word, sizeof(word));
    return word;
  }
  std::int64_t ReadSigned() { return static_cast<std::int64_t>(Read()); }
  void ReadBytes(void* out, std::size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      return;
    }
    std::memcpy(out, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
  }
  std::size_t left() const { return bytes_.size(); }
  bool ok() const { return ok_; }

 private:
  std::span<const std::uint8_t> bytes_;
  bool ok_ = true;
};

Status Torn(const char* what) {
  return absl::DataLossError(
      fmt::format("these bytes are no accumulator: {}", what));
}

bool AllZero(std::span<const std::int64_t> sums) {
  return std::ranges::all_of(sums, [](std::int64_t sum) { return sum == 0; });
}

}  // namespace

StatusOr<std::vector<std::uint8_t>> ExactAccumulator::Serialize() const {
  FEDGAP_RETURN_IF_ERROR(CheckUsable());
  WordWriter writer;
  writer.Write(kMagic);
  writer.Write(static_cast<std::uint64_t>(elements_));
  writer.Write(bins_.size());
  writer.Write(static_cast<std::uint64_t>(limits_.max_count));
  writer.Write(static_cast<std::uint64_t>(limits_.max_weight));
  writer.Write(std::bit_cast<std::uint64_t>(limits_.max_abs_value));
  writer.Write(static_cast<std::uint64_t>(count_));
  for (const Bin& bin : bins_) {
    writer.Write(static_cast<std::uint64_t>(bin.weight));
    writer.Write(static_cast<std::uint64_t>(bin.weight >> 64));
    std::uint64_t mask = 0;
    for (std::size_t digit = 0; digit < bin.digits.size(); ++digit) {
      if (!AllZero(bin.digits[digit])) mask |= std::uint64_t{1} << digit;
    }
    writer.Write(mask);
    for (std::size_t digit = 0; digit < bin.digits.size(); ++digit) {
      if ((mask >> digit & 1) == 0) continue;
      writer.WriteBytes(bin.digits[digit].data(),
                        bin.digits[digit].size() * sizeof(std::int64_t));
    }
  }
  return writer.Finish();
}

StatusOr<ExactAccumulator> ExactAccumulator::Deserialize(
    std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 8 * sizeof(std::uint64_t)) return Torn("too short");
  const auto body = bytes.first(bytes.size() - sizeof(std::uint64_t));
  if (WordReader(bytes.last(sizeof(std::uint64_t))).Read() != Xxh3Of64(body)) {
    return Torn("the checksum differs");
  }
  WordReader reader(body);
  if (reader.Read() != kMagic) return Torn("they begin otherwise");
  const std::int64_t elements = reader.ReadSigned();
  const std::uint64_t bins = reader.Read();
  AccumulatorLimits limits;
  limits.max_count = reader.ReadSigned();
  limits.max_weight = reader.ReadSigned();
  limits.max_abs_value = std::bit_cast<double>(reader.Read());
  const std::int64_t count = reader.ReadSigned();
  // Three words a bin at least: no small text asks for much memory.
  if (bins > reader.left() / (3 * sizeof(std::uint64_t))) {
    return Torn("bins are missing");
  }
  auto accumulator = Create(elements, static_cast<int>(bins), limits);
  if (!accumulator.ok()) return Torn(MessageOf(accumulator.status()).c_str());
  if (count < 0 || count > limits.max_count) return Torn("impossible count");
  accumulator->count_ = count;
  const Int128 most = Int128{count} * limits.max_weight;
  for (Bin& bin : accumulator->bins_) {
    const Int128 low = reader.Read();
    bin.weight = Int128{reader.ReadSigned()} * (Int128{1} << 64) + low;
    if (bin.weight < 0 || bin.weight > most) return Torn("impossible weight");
    const std::uint64_t mask = reader.Read();
    if (bin.digits.size() < 64 && mask >> bin.digits.size() != 0) {
      return Torn("impossible digits");
    }
    for (std::size_t digit = 0; digit < bin.digits.size(); ++digit) {
      if ((mask >> digit & 1) == 0) continue;
      const auto size = static_cast<std::size_t>(elements);
      if (size > reader.left() / sizeof(std::int64_t)) {
        return Torn("sums are missing");
      }
      bin.digits[digit].resize(size);
      reader.ReadBytes(bin.digits[digit].data(), size * sizeof(std::int64_t));
      const bool bounded = std::ranges::all_of(
          bin.digits[digit],
          [](std::int64_t sum) { return sum < kMaxSum && sum > -kMaxSum; });
      if (!bounded) return Torn("impossible sum");
    }
  }
  if (!reader.ok() || reader.left() != 0) return Torn("wrong length");
  return accumulator;
}

}  // namespace fedgap
