#include "cli/csv_row.h"

#include <fmt/format.h>

#include <cmath>

namespace fedgap {

CsvRow& CsvRow::Add(std::string_view text) {
  if (!is_first_) text_ += ',';
  is_first_ = false;
  text_ += text;
  return *this;
}

CsvRow& CsvRow::Text(std::string_view text) {
  const bool is_formula =
      !text.empty() &&
      std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  std::string field = is_formula ? "'" : "";
  field += text;
  if (field.find_first_of("\",\n\r") == std::string::npos) return Add(field);
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return Add(quoted + '"');
}

CsvRow& CsvRow::Number(std::optional<double> value) {
  if (!value.has_value() || !std::isfinite(*value)) return Add("");
  return Add(fmt::format("{}", *value));
}

CsvRow& CsvRow::Integer(std::int64_t value) {
  return Add(fmt::format("{}", value));
}

CsvRow& CsvRow::Unsigned(std::uint64_t value) {
  return Add(fmt::format("{}", value));
}

}  // namespace fedgap
