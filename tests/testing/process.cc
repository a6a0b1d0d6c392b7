#include "tests/testing/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Pipe {
  Pipe() { FEDGAP_CHECK(::pipe2(ends, O_CLOEXEC) == 0); }
  int ends[2];
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The test's environment, and `own` in place of what it names.
std::vector<std::string> Environment(const std::vector<std::string>& own) {
  std::vector<std::string> all = own;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& mine : own) replaced |= mine.starts_with(name);
    if (!replaced) all.push_back(text);
  }
  return all;
}

// True if a whole line of `output` holds `text`.
bool HasLine(const std::string& output, const std::string& text) {
  const std::size_t at = output.find(text);
  return at != std::string::npos && output.find('\n', at) != std::string::npos;
}

// The first whole line of `output` that holds `text`; HasLine says there is.
std::string LineOf(const std::string& output, const std::string& text) {
  const std::size_t at = output.find(text);
  const std::size_t before = output.rfind('\n', at);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return output.substr(begin, output.find('\n', at) - begin);
}

// Appends what is there; false at the end of the stream.
bool ReadSome(int fd, std::string& text) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return true;
  FEDGAP_CHECK(got >= 0);
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

int MillisecondsTo(SteadyClock::time_point until) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

}  // namespace

Process::Process(std::vector<std::string> words,
                 const std::vector<std::string>& environment)
    : ended_fd_(::eventfd(0, EFD_CLOEXEC)) {
  FEDGAP_CHECK(ended_fd_ >= 0 && !words.empty());
  const Pipe out, err;
  std::vector<std::string> variables = Environment(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
  FEDGAP_CHECK(::posix_spawn(&pid_, words[0].c_str(), &actions, nullptr,
                             Pointers(words).data(),
                             Pointers(variables).data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(out.ends[1]);
  ::close(err.ends[1]);
  reader_ =
      std::thread([this, out, err] { ReadUntilEnd(out.ends[0], err.ends[0]); });
}

Process::~Process() {
  Signal(SIGKILL);
  reader_.join();
  ::close(ended_fd_);
}

void Process::ReadUntilEnd(int out, int err) {
  std::array<pollfd, 2> streams = {pollfd{out, POLLIN, 0},
                                   pollfd{err, POLLIN, 0}};
  // A negative descriptor is passed over: that stream has ended.
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const int ready = ::poll(streams.data(), streams.size(), -1);
    FEDGAP_CHECK(ready > 0 || errno == EINTR);
    MutexLock lock(mutex_);
    if (streams[0].revents != 0 && !ReadSome(out, result_.out)) {
      streams[0].fd = -1;
    }
    if (streams[1].revents != 0 && !ReadSome(err, result_.err)) {
      streams[1].fd = -1;
    }
    changed_.NotifyAll();
  }
  ::close(out);
  ::close(err);
  Reap();
}

void Process::Reap() {
  // Waits without taking the pid from the system, so that Signal never meets a
  // pid that is another's.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) !=
         0) {
    FEDGAP_CHECK(errno == EINTR);
  }
  MutexLock lock(mutex_);
  int state = 0;
  rusage usage{};
  FEDGAP_CHECK(::wait4(pid_, &state, 0, &usage) == pid_);
  for (const timeval& part : {usage.ru_utime, usage.ru_stime}) {
    result_.cpu_seconds += static_cast<double>(part.tv_sec) +
                           static_cast<double>(part.tv_usec) * 1e-6;
  }
  if (WIFEXITED(state)) result_.exit_code = WEXITSTATUS(state);
  if (WIFSIGNALED(state)) result_.signal = WTERMSIG(state);
  ended_ = true;
  const std::uint64_t one = 1;
  FEDGAP_CHECK(::write(ended_fd_, &one, sizeof one) == sizeof one);
  changed_.NotifyAll();
}

testing::AssertionResult Process::WaitForLine(const std::string& text) {
  const auto until = SteadyClock::now() + kPatience;
  {
    MutexLock lock(mutex_);
    bool in_time = true;
    while (!HasLine(result_.out, text) && !HasLine(result_.err, text) &&
           !ended_ && in_time) {
      in_time = changed_.WaitUntil(mutex_, until);
    }
    if (HasLine(result_.out, text) || HasLine(result_.err, text)) {
      return testing::AssertionSuccess();
    }
  }
  return Failure(fmt::format("no line '{}'", text));
}

std::string Process::WholeLine(const std::string& text) {
  const testing::AssertionResult comes = WaitForLine(text);
  EXPECT_TRUE(comes);
  if (!comes) return "";
  MutexLock lock(mutex_);
  return LineOf(HasLine(result_.out, text) ? result_.out : result_.err, text);
}

testing::AssertionResult Process::WaitForFile(
    const std::filesystem::path& path) {
  const auto until = SteadyClock::now() + kPatience;
  const int watch = ::inotify_init1(IN_CLOEXEC);
  FEDGAP_CHECK(watch >= 0 &&
               ::inotify_add_watch(watch, path.parent_path().c_str(),
                                   IN_CREATE | IN_MOVED_TO) >= 0);
  bool found = false;
  // Looked for after the watch is set, and again after each change.
  while (!(found = std::filesystem::exists(path))) {
    std::array<pollfd, 2> ready = {pollfd{watch, POLLIN, 0},
                                   pollfd{ended_fd_, POLLIN, 0}};
    const int count = ::poll(ready.data(), ready.size(), MillisecondsTo(until));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || ready[1].revents != 0) {
      found = std::filesystem::exists(path);
      break;
    }
    alignas(inotify_event) std::array<char, 4096> events;
    FEDGAP_CHECK(::read(watch, events.data(), events.size()) > 0);
  }
  ::close(watch);
  if (found) return testing::AssertionSuccess();
  return Failure(fmt::format("no file {}", path.string()));
}

ProgramResult Process::Wait() {
  const auto until = SteadyClock::now() + kPatience;
  {
    MutexLock lock(mutex_);
    while (!ended_ && changed_.WaitUntil(mutex_, until)) {
    }
  }
  Signal(SIGKILL);
  MutexLock lock(mutex_);
  while (!ended_) changed_.Wait(mutex_);
  return result_;
}

void Process::Signal(int signal) {
  MutexLock lock(mutex_);
  if (!ended_) FEDGAP_CHECK(::kill(pid_, signal) == 0);
}

testing::AssertionResult Process::Failure(const std::string& what) const {
  MutexLock lock(mutex_);
  return testing::AssertionFailure()
         << what << (ended_ ? "; the program has ended" : "") << "\nstdout:\n"
         << result_.out << "\nstderr:\n"
         << result_.err;
}

ProgramResult RunProgram(std::vector<std::string> words) {
  return Process(std::move(words)).Wait();
}

}  // namespace fedgap
