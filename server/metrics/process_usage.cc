#include "server/metrics/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>

#include "common/base/file_io.h"

namespace fedgap {
namespace {

// Fields of /proc/self/stat (proc(5), whose numbers these are) that come after
// the program's name, which may hold anything.
constexpr int kFirstNumber = 4;
constexpr int kUserTicks = 14;
constexpr int kSystemTicks = 15;
constexpr int kStartTicks = 22;
constexpr int kVirtualBytes = 23;
constexpr int kResidentPages = 24;

Status AddStat(ProcessUsage& usage) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string stat,
                          ReadFileText("/proc/self/stat"));
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  // Field 3 is a letter, the others that matter are not negative.
  std::string letter;
  fields >> letter;
  double numbers[kResidentPages + 1] = {};
  for (int field = kFirstNumber; field <= kResidentPages; ++field) {
    fields >> numbers[field];
  }
  if (!fields) {
    return absl::DataLossError("/proc/self/stat is not as proc(5) says");
  }
  const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.cpu_seconds =
      (numbers[kUserTicks] + numbers[kSystemTicks]) / per_second;
  usage.start_seconds = numbers[kStartTicks] / per_second;
  usage.virtual_bytes = static_cast<std::int64_t>(numbers[kVirtualBytes]);
  usage.resident_bytes = static_cast<std::int64_t>(numbers[kResidentPages]) *
                         ::sysconf(_SC_PAGESIZE);
  return absl::OkStatus();
}

// When the machine was started, in seconds since 1970.
StatusOr<double> BootSeconds() {
  FEDGAP_ASSIGN_OR_RETURN(const std::string stat, ReadFileText("/proc/stat"));
  const std::string key = "\nbtime ";
  const std::size_t at = stat.find(key);
  double seconds = 0;
  if (at == std::string::npos ||
      !(std::istringstream(stat.substr(at + key.size())) >> seconds)) {
    return absl::DataLossError("/proc/stat has no btime");
  }
  return seconds;
}

StatusOr<std::int64_t> CountOpenFds() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::int64_t count = 0;
  while (!error && entry != std::filesystem::directory_iterator()) {
    ++count;
    entry.increment(error);
  }
  if (error) return ErrnoStatus(error.value(), "read", "/proc/self/fd");
  return count - 1;  // its own
}

double MaxFds() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<double>::infinity();
  }
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

StatusOr<ProcessUsage> ReadProcessUsage() {
  ProcessUsage usage;
  FEDGAP_RETURN_IF_ERROR(AddStat(usage));
  FEDGAP_ASSIGN_OR_RETURN(const double booted, BootSeconds());
  usage.start_seconds += booted;
  FEDGAP_ASSIGN_OR_RETURN(usage.open_fds, CountOpenFds());
  usage.max_fds = MaxFds();
  return usage;
}

}  // namespace fedgap
