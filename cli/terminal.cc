#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/base/check.h"
#include "common/telemetry/human_log.h"

namespace fedgap {
namespace {

std::string_view CodeOf(Ink ink) {
  switch (ink) {
    case Ink::kPlain:
      break;
    case Ink::kBold:
      return "1";
    case Ink::kDim:
      return "2";
    case Ink::kGreen:
      return "32";
    case Ink::kYellow:
      return "33";
    case Ink::kRed:
      return "31";
  }
  return "0";
}

// Characters of UTF-8 text, each taken for one column wide.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string Padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, Width(text)), ' ');
  return right ? blanks + text : text + blanks;
}

}  // namespace

bool ShowsColour(std::FILE* file) {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  return CanBeWrittenOver(file);
}

bool CanBeWrittenOver(std::FILE* file) {
  const char* term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  return ::isatty(::fileno(file)) == 1;
}

std::string Paint(std::string_view text, Ink ink, bool colour) {
  if (!colour || ink == Ink::kPlain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", CodeOf(ink), text);
}

void TextTable::Add(std::vector<Cell> row) {
  FEDGAP_CHECK(row.size() == columns_.size());
  for (Cell& cell : row) cell.text = WithoutControls(cell.text);
  rows_.push_back(std::move(row));
}

std::string TextTable::ToString(bool colour) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = Width(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, Width(row[i].text));
    widths.push_back(width);
  }
  std::string out;
  const auto add = [&](std::size_t i, const std::string& text, Ink ink) {
    const bool is_last = i + 1 == columns_.size();
    const bool right = columns_[i].is_number;
    const std::string cell =
        is_last && !right ? text : Padded(text, widths[i], right);
    out += Paint(cell, ink, colour) + (is_last ? "\n" : "  ");
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    add(i, columns_[i].title, Ink::kBold);
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      add(i, row[i].text, row[i].ink);
    }
  }
  return out;
}

std::string BarMarks(std::int64_t done, std::int64_t of, std::size_t width) {
  const auto all = static_cast<std::int64_t>(width);
  const auto marks = static_cast<std::size_t>(
      of > 0 ? std::clamp<std::int64_t>(done * all / of, 0, all) : 0);
  return std::string(marks, '#') + std::string(width - marks, '.');
}

std::string Percent(double share) {
  return fmt::format("{:.1f} %", share * 100);
}

}  // namespace fedgap
