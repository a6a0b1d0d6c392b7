// Parts of documents that a program writes, kept up to date by a test.
#ifndef FEDGAP_TESTS_TESTING_GENERATED_DOC_H_
#define FEDGAP_TESTS_TESTING_GENERATED_DOC_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/base/file_io.h"

namespace fedgap {

// Expects `text` between the lines "<!-- begin `marker` -->" and
// "<!-- end `marker` -->" of the document; with FEDGAP_REGENERATE=1 in the
// environment writes it there instead.
inline void ExpectGeneratedPart(const std::filesystem::path& document,
                                const std::string& marker,
                                const std::string& text) {
  const auto whole = ReadFileText(document);
  ASSERT_TRUE(whole.ok()) << whole.status();
  const std::string begin = "<!-- begin " + marker + " -->\n";
  const std::string end = "<!-- end " + marker + " -->";
  const std::size_t from = whole->find(begin);
  const std::size_t to = whole->find(end);
  ASSERT_NE(from, std::string::npos) << "no " << begin << " in " << document;
  ASSERT_NE(to, std::string::npos) << "no " << end << " in " << document;
  const std::size_t body = from + begin.size();
  ASSERT_LE(body, to);
  const std::string expected =
      whole->substr(0, body) + "\n" + text + "\n" + whole->substr(to);
  if (std::getenv("FEDGAP_REGENERATE") != nullptr) {
    ASSERT_TRUE(WriteFileAtomic(document, expected).ok());
    return;
  }
  EXPECT_EQ(*whole, expected)
      << document << " is out of date: run this test with FEDGAP_REGENERATE=1";
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_GENERATED_DOC_H_
