#include "bench/engine/engine_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace fedgap::bench {
namespace {

constexpr int kReplyTimeoutMilliseconds = 300'000;

// In the child: becomes the program, or ends.
[[noreturn]] void Become(const std::vector<std::string>& command, int input,
                         int output) {
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  for (const char* name :
       {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}) {
    setenv(name, "1", 1);
  }
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

StatusOr<std::unique_ptr<EngineProcess>> EngineProcess::Start(
    const std::vector<std::string>& command) {
  if (access(command[0].c_str(), X_OK) != 0) {
    return absl::NotFoundError(fmt::format("there is no {}", command[0]));
  }
  // Closed on exec, so that no other child keeps a pipe open; dup2's copies
  // are not.
  std::array<int, 2> requests{};
  std::array<int, 2> replies{};
  if (pipe2(requests.data(), O_CLOEXEC) != 0 ||
      pipe2(replies.data(), O_CLOEXEC) != 0) {
    return absl::UnavailableError("no pipes left");
  }
  const pid_t pid = fork();
  if (pid < 0) return absl::UnavailableError("fork failed");
  if (pid == 0) Become(command, requests[0], replies[1]);
  close(requests[0]);
  close(replies[1]);
  // A child that is gone shows at the next read.
  signal(SIGPIPE, SIG_IGN);
  return std::unique_ptr<EngineProcess>(
      new EngineProcess(pid, requests[1], replies[0]));
}

EngineProcess::~EngineProcess() {
  close(to_child_);
  close(from_child_);
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

StatusOr<std::string> EngineProcess::ReadLine() {
  std::array<char, 4096> buffer;
  for (;;) {
    if (const std::size_t end = read_.find('\n'); end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      return line;
    }
    pollfd descriptor{from_child_, POLLIN, 0};
    if (poll(&descriptor, 1, kReplyTimeoutMilliseconds) == 0) {
      return absl::DeadlineExceededError("no reply within five minutes");
    }
    const ssize_t count = read(from_child_, buffer.data(), buffer.size());
    if (count <= 0) return absl::UnavailableError("the engine has ended");
    read_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

StatusOr<nlohmann::json> EngineProcess::Ask(const nlohmann::json& request) {
  const std::string line = request.dump() + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count =
        write(to_child_, line.data() + sent, line.size() - sent);
    if (count <= 0) return absl::UnavailableError("the engine has ended");
    sent += static_cast<std::size_t>(count);
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string text, ReadLine());
  nlohmann::json reply =
      nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!reply.is_object()) {
    return absl::UnknownError(fmt::format("the engine said '{}'", text));
  }
  if (reply.contains("error")) {
    return absl::UnknownError(reply["error"].get<std::string>());
  }
  return reply;
}

}  // namespace fedgap::bench
