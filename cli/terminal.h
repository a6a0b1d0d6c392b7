// What the commands print: colour where a terminal shows it, aligned tables.
#ifndef FEDGAP_CLI_TERMINAL_H_
#define FEDGAP_CLI_TERMINAL_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace fedgap {

enum class Ink { kPlain, kBold, kDim, kGreen, kYellow, kRed };

// Whether `file` is a terminal that wants colour: not with NO_COLOR set to
// anything (no-color.org), nor with TERM=dumb.
bool ShowsColour(std::FILE* file);

// Whether `file` is a terminal on which a line can be written over.
bool CanBeWrittenOver(std::FILE* file);

// `text` in the ink, if `colour`.
std::string Paint(std::string_view text, Ink ink, bool colour);

// A table in columns as wide as their widest cell. Control characters in cells
// become '?': names come from outside.
class TextTable {
 public:
  struct Column {
    std::string title;
    bool is_number = false;  // aligned to the right
  };
  struct Cell {
    Cell(std::string t, Ink i = Ink::kPlain)  // NOLINT: a cell is its text
        : text(std::move(t)), ink(i) {}
    Cell(const char* t) : text(t) {}  // NOLINT: likewise
    std::string text;
    Ink ink = Ink::kPlain;
  };

  explicit TextTable(std::vector<Column> columns)
      : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void Add(std::vector<Cell> row);
  std::string ToString(bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// "######......", `width` marks of which done / of are '#'.
std::string BarMarks(std::int64_t done, std::int64_t of, std::size_t width);

// "71.2 %".
std::string Percent(double share);

}  // namespace fedgap

#endif  // FEDGAP_CLI_TERMINAL_H_
