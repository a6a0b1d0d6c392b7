#include "common/data/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

// A pixel's weights sum to a power of two exactly, so that no sum passes
// uint32: 255 * 2^24 along a row, 255 * 2^8 * 2^16 down the narrowed columns.
constexpr unsigned kRowBits = 24;
constexpr unsigned kColumnBits = 16;
constexpr unsigned kFractionBits = 8;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 34;

}  // namespace

BilinearResizer::BilinearResizer(ImageSize from, ImageSize to, int channels)
    : from_(from),
      to_(to),
      channels_(static_cast<std::size_t>(channels)),
      horizontal_(PlanAxis(from.width, to.width, kRowBits)),
      vertical_(PlanAxis(from.height, to.height, kColumnBits)) {
  const std::size_t row = static_cast<std::size_t>(to.width) * channels_;
  narrowed_.resize(static_cast<std::size_t>(from.height) * row);
  sums_.resize(row);
}

BilinearResizer::Axis BilinearResizer::PlanAxis(int from, int to,
                                                unsigned bits) {
  FEDGAP_CHECK(from > 0 && to > 0);
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double reach = std::max(scale, 1.0);
  Axis axis;
  std::vector<double> triangle;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first =
        std::max(0, static_cast<int>(std::floor(centre - reach + 0.5)));
    const int last =
        std::min(from, static_cast<int>(std::floor(centre + reach + 0.5)));
    double sum = 0;
    triangle.clear();
    for (int x = first; x < last; ++x) {
      const double distance = (x + 0.5 - centre) / reach;
      triangle.push_back(
          std::max(0.0, 1 - (distance < 0 ? -distance : distance)));
      sum += triangle.back();
    }
    Taps taps{static_cast<std::size_t>(first), axis.weights.size(), 0};
    // Rounding the running sum, not each weight, makes the total exact.
    double running = 0;
    std::uint32_t given = 0;
    for (const double value : triangle) {
      running += value;
      const auto upto = static_cast<std::uint32_t>(
          std::floor(running / sum * (1u << bits) + 0.5));
      axis.weights.push_back(upto - given);
      given = upto;
    }
    taps.end = axis.weights.size();
    axis.taps.push_back(taps);
  }
  return axis;
}

void BilinearResizer::ResizeRow(std::span<const std::uint8_t> in,
                                std::span<std::uint16_t> out) const {
  constexpr unsigned kDrop = kRowBits - kFractionBits;
  std::size_t o = 0;
  for (const Taps& taps : horizontal_.taps) {
    for (std::size_t c = 0; c < channels_; ++c) {
      std::uint32_t sum = 1u << (kDrop - 1);
      std::size_t k = taps.first * channels_ + c;
      for (std::size_t w = taps.begin; w < taps.end; ++w, k += channels_) {
        sum += horizontal_.weights[w] * in[k];
      }
      out[o++] = static_cast<std::uint16_t>(sum >> kDrop);
    }
  }
}

void BilinearResizer::Resize(std::span<const std::uint8_t> in,
                             std::span<std::uint8_t> out) {
  constexpr unsigned kDrop = kColumnBits + kFractionBits;
  const std::size_t in_row = static_cast<std::size_t>(from_.width) * channels_;
  const std::size_t out_row = sums_.size();
  const std::size_t rows = vertical_.taps.size();
  FEDGAP_CHECK(in.size() * out_row == narrowed_.size() * in_row);
  FEDGAP_CHECK(out.size() == rows * out_row);
  for (std::size_t y = 0; y * in_row < in.size(); ++y) {
    ResizeRow(in.subspan(y * in_row, in_row),
              std::span(narrowed_).subspan(y * out_row, out_row));
  }
  for (std::size_t y = 0; y < rows; ++y) {
    const Taps& taps = vertical_.taps[y];
    std::fill(sums_.begin(), sums_.end(), 1u << (kDrop - 1));
    for (std::size_t w = taps.begin; w < taps.end; ++w) {
      const std::uint32_t weight = vertical_.weights[w];
      const std::uint16_t* row =
          narrowed_.data() + (taps.first + w - taps.begin) * out_row;
      for (std::size_t x = 0; x < out_row; ++x) sums_[x] += weight * row[x];
    }
    for (std::size_t x = 0; x < out_row; ++x) {
      out[y * out_row + x] = static_cast<std::uint8_t>(sums_[x] >> kDrop);
    }
  }
}

StatusOr<ImageDataset> Resize(const ImageDataset& dataset, ImageSize size) {
  if (size.height < 1 || size.width < 1 || size.height > kMaxResizedSide ||
      size.width > kMaxResizedSide) {
    return absl::InvalidArgumentError(
        fmt::format("cannot resize to {}: each side must be 1 to {} px",
                    size.ToString(), kMaxResizedSide));
  }
  const auto image_bytes =
      static_cast<std::uint64_t>(size.pixels() * dataset.channels());
  const auto images = static_cast<std::uint64_t>(dataset.size());
  if (images > kMaxBytes / image_bytes) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} images at {} would take {:.1f} GiB; at most {} GiB", images,
        size.ToString(), static_cast<double>(images * image_bytes) / (1u << 30),
        kMaxBytes >> 30));
  }
  ImageDataset::Builder builder(dataset.channels(), dataset.class_names());
  builder.Reserve(images, images * image_bytes);
  std::vector<std::uint8_t> pixels(image_bytes);
  std::optional<BilinearResizer> resizer;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const ImageSize from = dataset.image_size(i);
    if (!resizer.has_value() || resizer->from() != from) {
      resizer.emplace(from, size, dataset.channels());
    }
    resizer->Resize(dataset.pixels(i), pixels);
    FEDGAP_RETURN_IF_ERROR(
        builder.Add(pixels, size, dataset.label(i), dataset.track(i)));
  }
  return std::move(builder).Build();
}

}  // namespace fedgap
