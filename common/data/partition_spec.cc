#include "common/data/partition_spec.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>

#include "common/base/did_you_mean.h"
#include "common/base/parse_number.h"
#include "common/base/wrong_usage.h"

namespace fedgap {
namespace {

using Kind = PartitionSpec::Kind;

const std::array<std::string, 4> kNames = {"iid", "dirichlet", "classes",
                                           "quantity"};

Status Bad(std::string_view text, std::string_view why) {
  return WrongUsage(fmt::format("partition '{}': {}", text, why));
}

struct Pieces {
  std::string name;
  std::string value;  // between ':' and ','
  std::optional<std::string> option;
};

Pieces Cut(std::string_view text) {
  Pieces pieces;
  const std::size_t comma = text.find(',');
  if (comma != std::string_view::npos) {
    pieces.option = text.substr(comma + 1);
    text = text.substr(0, comma);
  }
  const std::size_t colon = text.find(':');
  pieces.name = text.substr(0, colon);
  if (colon != std::string_view::npos) pieces.value = text.substr(colon + 1);
  return pieces;
}

Status SetConcentration(std::string_view text, const Pieces& pieces,
                        PartitionSpec& spec) {
  const std::optional<double> alpha = ParseNumber<double>(pieces.value);
  if (!alpha.has_value() || !std::isfinite(*alpha) || *alpha < 1e-3 ||
      *alpha > 1e6) {
    return Bad(text, fmt::format("{} needs a concentration from 0.001 to "
                                 "1000000, e.g. {}:0.5",
                                 pieces.name, pieces.name));
  }
  spec.alpha = *alpha;
  if (!pieces.option.has_value()) return absl::OkStatus();
  const std::string& option = *pieces.option;
  const std::optional<int> least = option.starts_with("min=")
                                       ? ParseNumber<int>(option.substr(4))
                                       : std::nullopt;
  if (!least.has_value() || *least < 1) {
    return Bad(text,
               fmt::format("'{}' is not min=N with N of at least 1", option));
  }
  spec.min_samples = *least;
  return absl::OkStatus();
}

}  // namespace

StatusOr<PartitionSpec> ParsePartitionSpec(std::string_view text) {
  const Pieces pieces = Cut(text);
  PartitionSpec spec;
  std::size_t kind = 0;
  while (kind < kNames.size() && kNames[kind] != pieces.name) ++kind;
  if (kind == kNames.size()) {
    return Bad(text,
               "expected iid, dirichlet:ALPHA, classes:C or "
               "quantity:ALPHA" +
                   DidYouMean(pieces.name, kNames));
  }
  spec.kind = static_cast<Kind>(kind);
  if (spec.kind == Kind::kDirichlet || spec.kind == Kind::kQuantity) {
    FEDGAP_RETURN_IF_ERROR(SetConcentration(text, pieces, spec));
    return spec;
  }
  if (pieces.option.has_value()) {
    return Bad(text, fmt::format("{} takes no option", pieces.name));
  }
  if (spec.kind == Kind::kIid) {
    if (text != "iid") return Bad(text, "iid takes no value");
    return spec;
  }
  const std::optional<int> classes = ParseNumber<int>(pieces.value);
  if (!classes.has_value() || *classes < 1) {
    return Bad(text, "classes needs a number of classes, e.g. classes:2");
  }
  spec.classes_per_client = *classes;
  return spec;
}

std::string ToString(const PartitionSpec& spec) {
  const std::string& name = kNames[static_cast<std::size_t>(spec.kind)];
  if (spec.kind == Kind::kIid) return name;
  if (spec.kind == Kind::kClasses) {
    return fmt::format("{}:{}", name, spec.classes_per_client);
  }
  std::string text = fmt::format("{}:{}", name, spec.alpha);
  if (spec.min_samples == PartitionSpec{}.min_samples) return text;
  return fmt::format("{},min={}", text, spec.min_samples);
}

}  // namespace fedgap
