// A file that is written piece by piece and appears whole.
#ifndef FEDGAP_CLI_OUTPUT_FILE_H_
#define FEDGAP_CLI_OUTPUT_FILE_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// What is appended goes to a temporary file in the same directory, which
// Commit renames; without it the temporary is removed and nothing is left.
// Memory: a block of 64 KiB. One thread at a time.
class OutputFile {
 public:
  struct Options {
    std::filesystem::path path;  // its directory is made if it is not there
    bool replace = false;        // an existing file
  };

  // ALREADY_EXISTS without `replace`, or if the path is a directory; else the
  // codes of WriteFileAtomic. Every message names the path.
  static StatusOr<std::unique_ptr<OutputFile>> Create(Options options);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // An error is kept for Commit.
  void Append(std::string_view bytes);
  // The first error of all that was appended, or of the renaming; codes as
  // above. Once.
  Status Commit();

  const std::filesystem::path& path() const { return options_.path; }

 private:
  OutputFile(Options options, std::filesystem::path temporary, int fd)
      : options_(std::move(options)),
        temporary_(std::move(temporary)),
        fd_(fd) {}
  void Flush();
  Status Rename() const;

  const Options options_;
  const std::filesystem::path temporary_;
  const int fd_;
  bool committed_ = false;
  std::string buffer_;
  Status status_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLI_OUTPUT_FILE_H_
