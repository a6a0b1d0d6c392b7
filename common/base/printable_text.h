// What of a text from outside may reach a terminal, a log or a page.
#ifndef FEDGAP_COMMON_BASE_PRINTABLE_TEXT_H_
#define FEDGAP_COMMON_BASE_PRINTABLE_TEXT_H_

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace fedgap {

// Whether a character of Unicode is
//   - a control character: C0, DEL, C1 (U+0000 to U+001F, U+007F to U+009F),
//     which steer terminals;
//   - a line or paragraph separator (U+2028, U+2029), which forge lines;
//   - a mark, embedding, override or isolate of writing direction (U+061C,
//     U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), which make a line
//     read otherwise than it is.
bool IsControlCharacter(char32_t point);

// Whether `text` is well-formed UTF-8 (Unicode 15, table 3-7) without these.
bool IsPrintableUtf8(std::string_view text);

struct PrintableOptions {
  // What stands for each of the characters above, and for each byte that is no
  // UTF-8.
  std::string_view control = "?";
  std::string_view damage = "\xEF\xBF\xBD";  // U+FFFD
  // The result is no longer than that: it ends between two characters, with
  // `ellipsis` if something was cut off.
  std::size_t max_bytes = std::numeric_limits<std::size_t>::max();
  std::string_view ellipsis = {};
};

// `text` made such that IsPrintableUtf8.
std::string MakePrintable(std::string_view text,
                          const PrintableOptions& options = {});

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_PRINTABLE_TEXT_H_
