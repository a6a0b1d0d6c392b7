// Stands in for libFuzzer's main(): runs the fuzz target on every file of the
// directories given as arguments.
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include "common/base/file_io.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      const auto bytes = fedgap::ReadFileBytes(entry.path());
      if (!bytes.ok()) {
        std::fprintf(stderr, "%s\n", bytes.status().ToString().c_str());
        return 1;
      }
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);  // the last line names the input that crashed
      LLVMFuzzerTestOneInput(bytes->data(), bytes->size());
      ++files;
    }
  }
  std::printf("%d inputs\n", files);
  return files > 0 ? 0 : 1;  // an empty corpus tests nothing
}
