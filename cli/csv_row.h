// One line of a CSV file (RFC 4180, lines end in \n).
#ifndef FEDGAP_CLI_CSV_ROW_H_
#define FEDGAP_CLI_CSV_ROW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fedgap {

class CsvRow {
 public:
  // Text with a comma, quote or line end in it is quoted. Names come from
  // outside: one that a spreadsheet would take for a formula (it begins with
  // = + - @, a tab or a carriage return) gets a ' in front.
  CsvRow& Text(std::string_view text);
  // The shortest text that reads back as the same number; empty if it is not
  // finite, or absent.
  CsvRow& Number(std::optional<double> value);
  CsvRow& Integer(std::int64_t value);
  CsvRow& Unsigned(std::uint64_t value);

  // The fields with commas between them and a line feed behind.
  std::string Line() const { return text_ + '\n'; }

 private:
  // `text` is written as it is.
  CsvRow& Add(std::string_view text);

  std::string text_;
  bool is_first_ = true;
};

}  // namespace fedgap

#endif  // FEDGAP_CLI_CSV_ROW_H_
