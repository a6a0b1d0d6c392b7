// A part of a data source, by reference.
#ifndef FEDGAP_COMMON_DATA_DATA_VIEW_H_
#define FEDGAP_COMMON_DATA_DATA_VIEW_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/data/data_source.h"

namespace fedgap {

// The samples `indices` of a shared base, in that order: 4 bytes a sample, so
// thousands of simulated clients share one set. Immutable; as thread-safe as
// its base.
class DataView final : public DataSource {
 public:
  // Every index is in [0, base->size()).
  DataView(std::shared_ptr<const DataSource> base,
           std::vector<std::uint32_t> indices);

  std::int64_t size() const override {
    return static_cast<std::int64_t>(indices_.size());
  }
  int channels() const override { return base_->channels(); }
  const std::vector<std::string>& class_names() const override {
    return base_->class_names();
  }
  int label(std::int64_t i) const override { return base_->label(At(i)); }
  ImageSize image_size(std::int64_t i) const override {
    return base_->image_size(At(i));
  }
  std::int32_t track(std::int64_t i) const override {
    return base_->track(At(i));
  }
  void Read(std::int64_t i, const Normalization& normalization,
            std::span<float> out) const override {
    base_->Read(At(i), normalization, out);
  }

  // The positions in the base.
  std::span<const std::uint32_t> indices() const { return indices_; }

 private:
  std::int64_t At(std::int64_t i) const {
    return indices_[static_cast<std::size_t>(i)];
  }

  std::shared_ptr<const DataSource> base_;
  std::vector<std::uint32_t> indices_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_DATA_VIEW_H_
