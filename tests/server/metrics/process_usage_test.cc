#include "server/metrics/process_usage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

TEST(ProcessUsageTest, IsThatOfThisProcess) {
  const auto usage = ReadProcessUsage();
  ASSERT_OK(usage);
  EXPECT_GT(usage->resident_bytes, 1 << 20);
  EXPECT_GT(usage->virtual_bytes, usage->resident_bytes);
  EXPECT_GE(usage->open_fds, 3);
  EXPECT_GE(usage->max_fds, static_cast<double>(usage->open_fds));
  const double now = std::chrono::duration<double>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
  // btime has whole seconds.
  EXPECT_LE(usage->start_seconds, now + 2);
  EXPECT_GT(usage->start_seconds, now - 24 * 3600);
}

TEST(ProcessUsageTest, CountsWhatIsUsed) {
  const auto before = ReadProcessUsage();
  ASSERT_OK(before);
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  volatile double sum = 0;
  StatusOr<ProcessUsage> after = ReadProcessUsage();
  // A tick of the processor's time is 10 ms.
  while (after.ok() && after->cpu_seconds <= before->cpu_seconds) {
    for (int i = 0; i < 1000000; ++i) sum = sum + i;
    after = ReadProcessUsage();
  }
  ::close(fd);
  ASSERT_OK(after);
  EXPECT_EQ(after->open_fds, before->open_fds + 1);
  EXPECT_EQ(after->start_seconds, before->start_seconds);
}

}  // namespace
}  // namespace fedgap
