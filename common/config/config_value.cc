#include "common/config/config_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace fedgap {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string QuoteToml(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string NumberToml(double number) {
  if (std::isnan(number)) return "nan";
  std::string text = fmt::format("{}", number);
  // Digits alone would read back as an integer.
  if (std::ranges::all_of(text, [](char c) { return c == '-' || c >= '0'; }) &&
      text.find_first_of("einf") == std::string::npos) {
    text += ".0";
  }
  return text;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view StripPair(std::string_view text, char open, char close) {
  if (text.size() >= 2 && text.front() == open && text.back() == close) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

template <typename T>
bool ParseWhole(std::string_view text, T* value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, *value);
  return result.ec == std::errc() && result.ptr == end;
}

ConfigValue ParseScalar(ConfigKind kind, std::string_view text) {
  std::int64_t integer = 0;
  double number = 0;
  if (kind == ConfigKind::kSwitch && (text == "true" || text == "false")) {
    return {text == "true"};
  }
  const bool numeric =
      kind == ConfigKind::kInteger || kind == ConfigKind::kNumber;
  if (numeric && ParseWhole(text, &integer)) return {integer};
  if (numeric && ParseWhole(text, &number)) return {number};
  return {std::string(text)};
}

}  // namespace

std::string ToTomlText(const ConfigValue& value) {
  return std::visit(
      Overloaded{[](bool on) { return std::string(on ? "true" : "false"); },
                 [](std::int64_t integer) { return fmt::to_string(integer); },
                 [](double number) { return NumberToml(number); },
                 [](const std::string& text) { return QuoteToml(text); },
                 [](const ConfigList& list) {
                   std::vector<std::string> items;
                   std::ranges::transform(list, std::back_inserter(items),
                                          ToTomlText);
                   return fmt::format("[{}]", fmt::join(items, ", "));
                 }},
      value.data);
}

ConfigValue ParseConfigText(ConfigKind kind, bool list, std::string_view text) {
  if (!list)
    return ParseScalar(kind, kind == ConfigKind::kText ? text : Trim(text));
  ConfigList items;
  text = Trim(StripPair(Trim(text), '[', ']'));
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = Trim(text.substr(0, comma));
    items.push_back(ParseScalar(kind, StripPair(item, '"', '"')));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return {std::move(items)};
}

ConfigRange ConfigRange::AtLeast(double low) {
  ConfigRange range;
  range.low_ = low;
  return range;
}

ConfigRange ConfigRange::Above(double low) {
  ConfigRange range = AtLeast(low);
  range.low_open_ = true;
  return range;
}

ConfigRange ConfigRange::Between(double low, double high) {
  ConfigRange range = AtLeast(low);
  range.high_ = high;
  return range;
}

ConfigRange ConfigRange::AboveUpTo(double low, double high) {
  ConfigRange range = Between(low, high);
  range.low_open_ = true;
  return range;
}

ConfigRange ConfigRange::Below(double low, double high) {
  ConfigRange range = Between(low, high);
  range.high_open_ = true;
  return range;
}

bool ConfigRange::Contains(double value) const {
  return std::isfinite(value) && (low_open_ ? value > low_ : value >= low_) &&
         (high_open_ ? value < high_ : value <= high_);
}

std::string ConfigRange::ToString() const {
  if (std::isinf(low_)) return "";
  if (std::isinf(high_))
    return fmt::format("{} {}", low_open_ ? ">" : ">=", low_);
  return fmt::format("in {}{}, {}{}", low_open_ ? '(' : '[', low_, high_,
                     high_open_ ? ')' : ']');
}

}  // namespace fedgap
