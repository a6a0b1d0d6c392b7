#include "cli/launch_ranks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <memory>
#include <sstream>

#include "common/base/file_io.h"
#include "common/base/signal_waiter.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

// Beside this program, where both are built and installed.
StatusOr<std::string> FindRankProgram() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path program = self.parent_path() / "fedgap-mpi";
  if (!error && fs::exists(program, error)) return program.string();
  return absl::NotFoundError(fmt::format(
      "{} is not there: fedgap was built without MPI (Debian: libopenmpi-dev, "
      "then build again)",
      program.string()));
}

void Append(std::vector<std::string>& words,
            std::initializer_list<std::string> more) {
  words.insert(words.end(), more.begin(), more.end());
}

// A process group of its own: the terminal's Ctrl-C comes to this process
// alone. Its stdin is empty.
StatusOr<pid_t> Spawn(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv.front(), &files, &attributes,
                                   argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  if (error == ENOENT) {
    return absl::NotFoundError(fmt::format(
        "there is no {}; Debian's package openmpi-bin has it", words.front()));
  }
  return ErrnoStatus(error, "start", words.front());
}

// How the child ended: empty for success.
std::string AwaitEnd(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  if (WIFEXITED(status)) {
    return fmt::format("mpirun ended with status {}", WEXITSTATUS(status));
  }
  return fmt::format("mpirun was ended by signal {}", WTERMSIG(status));
}

}  // namespace

std::vector<std::string> RankCommand(const RankLaunch& launch,
                                     const SimulateFlags& flags,
                                     const std::string& program) {
  std::vector<std::string> words = {"mpirun", "-n",
                                    std::to_string(launch.ranks)};
  // Threads are this program's to place; more ranks than cores are allowed.
  Append(words, {"--bind-to", "none", "--oversubscribe"});
  if (::geteuid() == 0) Append(words, {"--allow-run-as-root"});
  std::istringstream more(launch.mpirun_args);
  std::copy(std::istream_iterator<std::string>(more), {},
            std::back_inserter(words));
  words.push_back(program);
  const auto option = [&words](const char* name, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {name, value});
  };
  option("--config", flags.config);
  for (const std::string& text : flags.overrides) option("--set", text);
  option("--resume", flags.resume);
  option("--replay", flags.replay);
  option("--run-dir", flags.settings.run_dir.string());
  for (const std::string& text : flags.sweep) option("--sweep", text);
  option("--baseline", flags.baseline);
  option("--threads", std::to_string(flags.settings.threads));
  if (launch.piece_kib > 0) {
    option("--piece-kib", std::to_string(launch.piece_kib));
  }
  if (flags.quiet) words.emplace_back("--quiet");
  return words;
}

Status LaunchRanks(const RankLaunch& launch, const SimulateFlags& flags) {
  // Said once, and not by each rank among mpirun's own words.
  FEDGAP_RETURN_IF_ERROR(CheckSimulateFlags(flags));
  FEDGAP_ASSIGN_OR_RETURN(const std::string program, FindRankProgram());
  SignalWaiter signals;  // from here on they wait for whom they are meant for
  FEDGAP_ASSIGN_OR_RETURN(const pid_t pid,
                          Spawn(RankCommand(launch, flags, program)));
  signals.Attach([pid](int) { ::kill(pid, SIGUSR1); });
  const std::string failure = AwaitEnd(pid);
  signals.Detach();
  if (failure.empty()) return absl::OkStatus();
  return absl::AbortedError(fmt::format(
      "{}: a rank failed or was lost (see above). The committed rounds are "
      "safe; go on with the same command, or with: fedgap simulate --resume "
      "RUN --ranks {}",
      failure, launch.ranks));
}

}  // namespace fedgap
