#include "common/base/printable_text.h"

#include <algorithm>
#include <cstdint>

namespace fedgap {
namespace {

std::uint8_t ByteAt(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
}

// Bytes of the well-formed character at the front, 0 if there is none.
std::size_t CharacterLength(std::string_view text) {
  const auto follows = [text](std::size_t i) {
    return (ByteAt(text, i) & 0xC0) == 0x80;
  };
  const std::uint8_t first = ByteAt(text, 0);
  const std::uint8_t second = ByteAt(text, 1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool too_large = first == 0xF4 && second > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_large
               ? 4
               : 0;
  }
  return 0;
}

// Of a well-formed character; those of four bytes are left out: none of them
// is looked for.
char32_t CodePoint(std::string_view character) {
  const auto low = [character](std::size_t i) -> char32_t {
    return ByteAt(character, i) & 0x3FU;
  };
  const char32_t first = ByteAt(character, 0);
  if (character.size() == 1) return first;
  if (character.size() == 2) return (first & 0x1FU) << 6 | low(1);
  if (character.size() == 3) {
    return (first & 0x0FU) << 12 | low(1) << 6 | low(2);
  }
  return 0x10000;
}

}  // namespace

bool IsControlCharacter(char32_t point) {
  const auto within = [point](char32_t first, char32_t last) {
    return point >= first && point <= last;
  };
  return point < 0x20 || within(0x7F, 0x9F) || point == 0x061C ||
         within(0x200E, 0x200F) || within(0x2028, 0x202E) ||
         within(0x2066, 0x2069);
}

bool IsPrintableUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = CharacterLength(text);
    if (length == 0 || IsControlCharacter(CodePoint(text.substr(0, length))))
      return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string MakePrintable(std::string_view text,
                          const PrintableOptions& options) {
  std::string clean;
  std::size_t cut = 0;  // where the ellipsis goes if the text is too long
  while (!text.empty()) {
    const std::size_t length = CharacterLength(text);
    std::string_view shown =
        length == 0 ? options.damage : text.substr(0, length);
    if (length != 0 && IsControlCharacter(CodePoint(shown)))
      shown = options.control;
    if (clean.size() + shown.size() > options.max_bytes) {
      return clean.substr(0, cut).append(options.ellipsis);
    }
    clean += shown;
    if (clean.size() + options.ellipsis.size() <= options.max_bytes) {
      cut = clean.size();
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

}  // namespace fedgap
