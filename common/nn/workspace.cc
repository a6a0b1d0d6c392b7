#include "common/nn/workspace.h"

#include <algorithm>

#include "common/base/check.h"

namespace fedgap {
namespace {

using kernels::Border;
using kernels::FeatureMap;

// No larger than asked for; what it held is of no use, so that it need not
// stand beside its successor.
template <typename Vector>
void GrowTo(std::size_t size, Vector& vector) {
  if (vector.size() >= size) return;
  vector = Vector();
  vector.resize(size);
}

// The border's zeros, which nothing writes to afterwards; what is inside is
// written before it is read.
void PlaceAt(float* base, const Border& border, FeatureMap* map) {
  const std::ptrdiff_t row = map->row_stride;
  const std::ptrdiff_t left = border.left * map->pixel_stride;
  const std::ptrdiff_t right = border.right * map->pixel_stride;
  const std::ptrdiff_t inside = row - left - right;
  // From the end of one row's pixels to the beginning of the next's.
  float* to = base;
  std::ptrdiff_t gap = border.top * row + left;
  for (int y = 0; y < map->height; ++y) {
    to = std::fill_n(to, gap, 0.0f) + inside;
    gap = right + left;
  }
  std::fill_n(to, right + border.bottom * row, 0.0f);
  map->data = base + border.top * row + left;
}

}  // namespace

Workspace::Workspace(const ExecutionPlan& plan, bool with_gradients)
    : plan_(plan),
      with_gradients_(with_gradients),
      borders_(plan.values().size()),
      values_(plan.values().size()),
      gradients_(plan.values().size()),
      geometries_(plan.steps().size()),
      values_at_(plan.values().size()),
      gradients_at_(plan.values().size()),
      states_(plan.steps().size()),
      winners_at_(plan.steps().size()),
      winner_inputs_at_(plan.steps().size()) {}

void Workspace::Prepare(ImageSize size) {
  if (size == size_) return;
  ShapeMaps(size);
  PlaceMaps();
  PrepareGeometries();
  size_ = size;
}

void Workspace::ShapeMaps(ImageSize size) {
  const StatusOr<std::vector<ImageSize>> sizes = plan_.model().NodeSizes(size);
  FEDGAP_CHECK(sizes.ok());
  for (std::size_t id = 0; id < values_.size(); ++id) {
    const PlanValue& value = plan_.values()[id];
    const ImageSize own =
        id == 0 ? size : (*sizes)[static_cast<std::size_t>(value.node)];
    FeatureMap& map = values_[id];
    map.height = own.height;
    map.width = own.width;
    map.channels = value.channels;
    map.pixel_stride =
        value.dense ? value.channels : kernels::PadChannels(value.channels);
    borders_[id] = {};
  }
  for (std::size_t s = 0; s < plan_.steps().size(); ++s) {
    const PlanStep& step = plan_.steps()[s];
    if (!step.conv) continue;
    const auto in = static_cast<std::size_t>(step.inputs[0].value);
    const ImageSize in_size{values_[in].height, values_[in].width};
    borders_[in] = borders_[in] | step.conv->InputBorder(in_size);
    if (with_gradients_ && plan_.values()[in].trained) {
      borders_[s + 1] = borders_[s + 1] | step.conv->GradientBorder(in_size);
    }
  }
  ShareBorders();
  for (std::size_t id = 0; id < values_.size(); ++id) {
    FeatureMap& map = values_[id];
    const Border& border = borders_[id];
    map.row_stride =
        (border.left + map.width + border.right) * map.pixel_stride;
    // The same strides, because a value can be its gradient's mask.
    const bool wanted = with_gradients_ && plan_.values()[id].trained;
    gradients_[id] = wanted ? map : FeatureMap{};
  }
}

void Workspace::ShareBorders() {
  if (!with_gradients_) return;
  const auto home_of = [this](std::size_t id) {
    const int home = plan_.values()[id].gradient_home;
    return home < 0 ? id : static_cast<std::size_t>(home);
  };
  for (std::size_t id = 0; id < values_.size(); ++id) {
    borders_[home_of(id)] = borders_[home_of(id)] | borders_[id];
  }
  for (std::size_t id = 0; id < values_.size(); ++id) {
    borders_[id] = borders_[home_of(id)];
  }
}

std::size_t Workspace::Elements(std::size_t id) const {
  const FeatureMap& map = values_[id];
  const int rows = borders_[id].top + map.height + borders_[id].bottom;
  return static_cast<std::size_t>(rows * map.row_stride);
}

kernels::BorderedMap Workspace::Bordered(const std::vector<FeatureMap>& maps,
                                         const std::vector<std::size_t>& at,
                                         int id) const {
  const auto i = static_cast<std::size_t>(id);
  return {maps[i], arena_.data() + at[i], Elements(i)};
}

Workspace::Extent Workspace::LayOut() {
  Extent extent;
  const auto take = [&extent](std::size_t floats) {
    const std::size_t at = extent.floats;
    extent.floats += kernels::PadFloats(floats);
    return at;
  };
  for (std::size_t id = 0; id < values_.size(); ++id) {
    const std::size_t elements = Elements(id);
    values_at_[id] = take(elements);
    const bool own = plan_.values()[id].gradient_home < 0;
    if (gradients_[id].channels > 0 && own) gradients_at_[id] = take(elements);
  }
  for (std::size_t id = 0; id < values_.size(); ++id) {
    const int home = plan_.values()[id].gradient_home;
    if (home < 0) continue;
    gradients_at_[id] = gradients_at_[static_cast<std::size_t>(home)];
  }
  std::size_t conversion = 0;
  for (std::size_t s = 0; s < plan_.steps().size(); ++s) {
    const PlanStep& step = plan_.steps()[s];
    const FeatureMap& out = values_[s + 1];
    if (step.mixed) {
      const auto in = static_cast<std::size_t>(step.inputs[0].value);
      conversion =
          std::max(conversion, kernels::Bfloat16Conv2d::ScratchElements(
                                   Elements(in), Elements(s + 1)));
    }
    if (step.norm) states_[s] = take(step.norm->state_elements());
    if (step.op() == Op::kGlobalAveragePool) {
      states_[s] = take(static_cast<std::size_t>(out.pixel_stride));
    }
    winners_at_[s] = extent.winners;
    if (!with_gradients_ || !step.has_winners()) continue;
    const auto winners =
        static_cast<std::size_t>(out.pixels() * out.pixel_stride);
    extent.winners += winners;
    if (step.norm) winner_inputs_at_[s] = take(winners);
  }
  conversion_at_ = take(conversion);
  return extent;
}

kernels::NormWinners Workspace::norm_winners(std::size_t step) {
  if (!with_gradients_ || !plan_.steps()[step].has_winners()) return {};
  FeatureMap inputs = values_[step + 1];
  inputs.row_stride = inputs.width * inputs.pixel_stride;
  inputs.data = arena_.data() + winner_inputs_at_[step];
  return {inputs, winners(step)};
}

void Workspace::PlaceMaps() {
  const Extent extent = LayOut();
  GrowTo(extent.winners, winners_);
  GrowTo(extent.floats, arena_);
  for (std::size_t id = 0; id < values_.size(); ++id) {
    PlaceAt(arena_.data() + values_at_[id], borders_[id], &values_[id]);
    if (gradients_[id].channels == 0) continue;
    PlaceAt(arena_.data() + gradients_at_[id], borders_[id], &gradients_[id]);
  }
}

void Workspace::PrepareGeometries() {
  for (std::size_t s = 0; s < plan_.steps().size(); ++s) {
    const PlanStep& step = plan_.steps()[s];
    if (!step.conv) continue;
    const auto in = static_cast<std::size_t>(step.inputs[0].value);
    const auto prepare = [&](const auto& conv) {
      conv.PrepareForward(values_[in], &geometries_[s]);
      if (gradients_[in].data == nullptr) return;
      conv.PrepareInputGradient(gradients_[in], gradients_[s + 1],
                                &geometries_[s]);
    };
    step.mixed ? prepare(*step.mixed) : prepare(*step.conv);
  }
}

std::size_t Workspace::BytesFor(const ExecutionPlan& plan, bool with_gradients,
                                ImageSize size) {
  Workspace workspace(plan, with_gradients);
  workspace.ShapeMaps(size);
  const Extent extent = workspace.LayOut();
  return extent.floats * sizeof(float) + extent.winners * sizeof(std::int32_t);
}

std::size_t Workspace::bytes() const {
  return arena_.capacity() * sizeof(float) +
         winners_.capacity() * sizeof(std::int32_t);
}

}  // namespace fedgap
