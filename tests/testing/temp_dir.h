// A directory of the test's own, gone when the test ends.
#ifndef FEDGAP_TESTS_TESTING_TEMP_DIR_H_
#define FEDGAP_TESTS_TESTING_TEMP_DIR_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/check.h"

namespace fedgap {

class TempDir {
 public:
  TempDir() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "fedgap-XXXXXX").string();
    FEDGAP_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_TEMP_DIR_H_
