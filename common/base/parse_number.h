// Numbers in short texts.
#ifndef FEDGAP_COMMON_BASE_PARSE_NUMBER_H_
#define FEDGAP_COMMON_BASE_PARSE_NUMBER_H_

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace fedgap {

// The number that all of `text` is, or nothing. Independent of the locale.
template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_PARSE_NUMBER_H_
