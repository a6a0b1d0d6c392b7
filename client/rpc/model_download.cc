#include "client/rpc/model_download.h"

#include <fmt/format.h>

#include <utility>

namespace fedgap {

Status ModelDownload::Add(const ModelChunkView& chunk) {
  if (chunk.total_bytes > max_bytes_) {
    return absl::InvalidArgumentError(
        fmt::format("the server offers a model of {} bytes; this run's models "
                    "have at most {}",
                    chunk.total_bytes, max_bytes_));
  }
  if (chunk.offset != offset_ ||
      (total_bytes_ != 0 && chunk.total_bytes != total_bytes_)) {
    return absl::InvalidArgumentError(fmt::format(
        "a chunk at byte {} of {} came where byte {} of {} was expected",
        chunk.offset, chunk.total_bytes, offset_, total_bytes_));
  }
  if (chunk.total_bytes <= 0 || chunk.total_bytes % 4 != 0 ||
      chunk.bytes.size() % 4 != 0 ||
      chunk.bytes.size() > chunk.total_bytes - chunk.offset) {
    return absl::InvalidArgumentError(fmt::format(
        "a chunk of {} bytes at byte {} does not fit a model of {} bytes",
        chunk.bytes.size(), chunk.offset, chunk.total_bytes));
  }
  if (total_bytes_ == 0) {
    total_bytes_ = chunk.total_bytes;
    const auto elements = static_cast<std::size_t>(total_bytes_ / 4);
    if (parameters_.size() != elements) parameters_ = Parameters(elements);
  }
  chunk.bytes.CopyTo(reinterpret_cast<std::uint8_t*>(parameters_.data()) +
                     offset_);
  chunks_.push_back(chunk.digest);
  offset_ += chunk.bytes.size();
  return absl::OkStatus();
}

StatusOr<Parameters> ModelDownload::Take() {
  const bool whole = total_bytes_ != 0 && offset_ == total_bytes_;
  const ModelId found = ModelIdOf(layout_hash_, chunks_);
  Parameters parameters = std::move(parameters_);
  const std::int64_t arrived = offset_;
  *this = ModelDownload(id_, layout_hash_, max_bytes_);
  if (!whole) {
    return absl::DataLossError(
        fmt::format("model {} ended after {} bytes, before its last chunk",
                    ToHex(id_), arrived));
  }
  if (found != id_) {
    return absl::DataLossError(fmt::format(
        "asked for model {}, the server sent {}", ToHex(id_), ToHex(found)));
  }
  return parameters;
}

}  // namespace fedgap
