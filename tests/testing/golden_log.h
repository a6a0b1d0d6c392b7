// The golden event log (tests/golden/events), whole or in part.
#ifndef FEDGAP_TESTS_TESTING_GOLDEN_LOG_H_
#define FEDGAP_TESTS_TESTING_GOLDEN_LOG_H_

#include <cstddef>
#include <string>

#include "common/base/file_io.h"
#include "tests/testing/project_tree.h"

namespace fedgap {

inline std::string GoldenLog() {
  return ReadFileText(SourceDir() / "tests/golden/events/small.jsonl").value();
}

// Its first `lines` lines.
inline std::string GoldenLog(int lines) {
  std::string log = GoldenLog();
  std::size_t end = 0;
  for (int i = 0; i < lines; ++i) end = log.find('\n', end) + 1;
  log.resize(end);
  return log;
}

inline std::string Replaced(std::string text, const std::string& from,
                            const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_GOLDEN_LOG_H_
