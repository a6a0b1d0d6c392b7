// A program that a test runs beside itself: its output, its end, its signals.
#ifndef FEDGAP_TESTS_TESTING_PROCESS_H_
#define FEDGAP_TESTS_TESTING_PROCESS_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace fedgap {

struct ProgramResult {
  int exit_code = -1;  // -1: ended by a signal
  int signal = 0;      // that ended it
  double cpu_seconds = 0;
  std::string out;
  std::string err;
};

// Runs while this object lives; what is left of it then is killed. The program
// gets the test's environment and an empty stdin. Its output is read as it
// comes, so that it never blocks on a full pipe. Thread-safe.
class Process {
 public:
  // How long a test waits for something that a sound program does at once.
#if defined(__SANITIZE_ADDRESS__)  // some four times as slow
  static constexpr std::chrono::seconds kPatience{300};
#else
  static constexpr std::chrono::seconds kPatience{60};
#endif

  // `words` is the program's path and its arguments; `environment` holds
  // NAME=value, over the test's own.
  explicit Process(std::vector<std::string> words,
                   const std::vector<std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Block until a whole line of stdout or stderr, from the program's start on,
  // holds `text`; until `path` exists, in a directory that does; until the
  // program has ended. The first two fail, with the program's output, when it
  // ends without or patience does; Wait then kills it (signal 9).
  testing::AssertionResult WaitForLine(const std::string& text);
  testing::AssertionResult WaitForFile(const std::filesystem::path& path);
  ProgramResult Wait();

  // That first whole line of stdout, or else of stderr, waited for in the same
  // way; a failed expectation and "" without one.
  std::string WholeLine(const std::string& text);

  // Nothing if it has ended: its pid may be another's by now.
  void Signal(int signal);

 private:
  void ReadUntilEnd(int out, int err);
  void Reap();
  testing::AssertionResult Failure(const std::string& what) const
      EXCLUDES(mutex_);

  pid_t pid_ = 0;
  int ended_fd_;  // readable when it has ended
  mutable Mutex mutex_;
  CondVar changed_;
  ProgramResult result_ GUARDED_BY(mutex_);
  bool ended_ GUARDED_BY(mutex_) = false;
  std::thread reader_;
};

// Runs a program to its end.
ProgramResult RunProgram(std::vector<std::string> words);

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_PROCESS_H_
