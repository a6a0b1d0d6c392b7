#include "common/data/data_view.h"

#include <utility>

#include "common/base/check.h"

namespace fedgap {

DataView::DataView(std::shared_ptr<const DataSource> base,
                   std::vector<std::uint32_t> indices)
    : base_(std::move(base)), indices_(std::move(indices)) {
  FEDGAP_CHECK(base_ != nullptr);
  for (const std::uint32_t i : indices_) FEDGAP_CHECK(i < base_->size());
}

}  // namespace fedgap
