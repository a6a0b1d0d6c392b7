// Reads the safetensors files of tests/golden: 8 bytes of header length, a JSON
// header, the tensors' little-endian bytes.
#ifndef FEDGAP_TESTS_COMMON_NN_GOLDEN_FILE_H_
#define FEDGAP_TESTS_COMMON_NN_GOLDEN_FILE_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fedgap {

// For trusted files only: a broken one ends the test program.
class GoldenFile {
 public:
  explicit GoldenFile(const std::filesystem::path& path);

  // A value of the file's metadata.
  const std::string& text(const std::string& key) const;
  double number(const std::string& key) const;

  // A tensor's elements, whatever their stored type (F32, I32, U8), row-major.
  const std::vector<float>& tensor(const std::string& name) const;
  const std::vector<std::int64_t>& shape(const std::string& name) const;

 private:
  struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  std::map<std::string, std::string> metadata_;
  std::map<std::string, Tensor> tensors_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_COMMON_NN_GOLDEN_FILE_H_
