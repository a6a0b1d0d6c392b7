#include "bench/load/server_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/base/file_io.h"

namespace fedgap::bench {
namespace {

// "VmRSS:    1234 kB".
double Field(const std::string& status, const std::string& name) {
  const auto found = status.find(name);
  if (found == std::string::npos) return 0;
  return std::strtod(status.c_str() + found + name.size(), nullptr) / 1024;
}

}  // namespace

StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    std::vector<std::string> words, const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, arguments[0], &actions, nullptr,
                                  arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, "start", words[0]);
  return std::unique_ptr<ServerProcess>(new ServerProcess(pid));
}

ServerProcess::~ServerProcess() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  Wait();
}

std::string ServerProcess::Proc(const char* file) const {
  std::ifstream stream(fmt::format("/proc/{}/{}", pid_, file));
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

double ServerProcess::ResidentMb() const {
  return Field(Proc("status"), "VmRSS:");
}

double ServerProcess::PeakResidentMb() const {
  return Field(Proc("status"), "VmHWM:");
}

double ServerProcess::CpuSeconds() const {
  const std::string stat = Proc("stat");
  // After "pid (name) ": utime and stime are the 14th and 15th field of all.
  std::istringstream rest(stat.substr(std::min(stat.rfind(')'), stat.size())));
  std::string skipped;
  for (int i = 0; i < 12; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

int ServerProcess::Wait() {
  if (ended_) return 0;
  int state = 0;
  while (::waitpid(pid_, &state, 0) != pid_) {
  }
  ended_ = true;
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

}  // namespace fedgap::bench
