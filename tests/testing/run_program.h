// Runs a built program and waits for it.
#ifndef FEDGAP_TESTS_TESTING_RUN_PROGRAM_H_
#define FEDGAP_TESTS_TESTING_RUN_PROGRAM_H_

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/file_io.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {

struct ProgramResult {
  int exit_code = -1;  // -1: ended by a signal
  std::string out;
  std::string err;
};

// `words` is the program's path and its arguments; stdin is empty. The program
// gets the test's environment.
inline ProgramResult RunProgram(std::vector<std::string> words) {
  const TempDir dir;
  const std::string out = (dir / "out").string();
  const std::string err = (dir / "err").string();
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT,
                                   0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT,
                                   0600);
  pid_t pid = 0;
  FEDGAP_CHECK(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(),
                             environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  int state = 0;
  FEDGAP_CHECK(::waitpid(pid, &state, 0) == pid);
  return {.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1,
          .out = *ReadFileText(out),
          .err = *ReadFileText(err)};
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_RUN_PROGRAM_H_
