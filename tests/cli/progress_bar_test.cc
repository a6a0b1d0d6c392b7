#include "cli/progress_bar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/base/check.h"
#include "tests/testing/manual_clock.h"

namespace fedgap {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A real terminal of 80 columns, seen from its other end.
class Terminal {
 public:
  Terminal() {
    winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    int slave = -1;
    FEDGAP_CHECK(::openpty(&master_, &slave, nullptr, nullptr, &size) == 0);
    file_ = ::fdopen(slave, "w");
  }
  ~Terminal() {
    std::fclose(file_);
    ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::FILE* file() const { return file_; }
  // What was written since the last call: up to a mark that is written now, for
  // the other end may see it a little later.
  std::string Read() const {
    constexpr char kMark = '@';
    std::fputc(kMark, file_);
    std::fflush(file_);
    std::string text;
    for (char c = 0; c != kMark; text += c) {
      FEDGAP_CHECK(::read(master_, &c, 1) == 1);
    }
    text.pop_back();
    return text;
  }

 private:
  int master_ = -1;
  std::FILE* file_ = nullptr;
};

class ProgressBarTest : public ::testing::Test {
 protected:
  ProgressBarTest() {
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
  }
  ManualClock clock_;
  Terminal terminal_;
};

TEST_F(ProgressBarTest, ShowsShareAndEtaAndIsWipedAtTheEnd) {
  {
    ProgressBar bar(clock_, terminal_.file(), "reading", 1000);
    clock_.Advance(milliseconds(1000));
    bar.Advance(250);
    EXPECT_EQ(terminal_.Read(),
              "\rreading  [\x1b[32m######..................\x1b[0m]  25 %  "
              "ETA 3 s\x1b[K");
  }
  EXPECT_EQ(terminal_.Read(), "\r\x1b[K");
}

TEST_F(ProgressBarTest, NothingIsSeenOfAShortStep) {
  {
    ProgressBar bar(clock_, terminal_.file(), "reading", 10);
    bar.Advance(1);
    clock_.Advance(milliseconds(499));
    bar.Advance(9);
  }
  EXPECT_EQ(terminal_.Read(), "");
}

TEST_F(ProgressBarTest, IsDrawnTenTimesASecondAtMost) {
  ProgressBar bar(clock_, terminal_.file(), "reading", 1000);
  clock_.Advance(milliseconds(500));
  bar.Advance(1);
  EXPECT_THAT(terminal_.Read(), HasSubstr("0 %"));
  clock_.Advance(milliseconds(99));
  bar.Advance(2);
  EXPECT_EQ(terminal_.Read(), "");
  clock_.Advance(milliseconds(1));
  bar.Advance(3);
  EXPECT_THAT(terminal_.Read(), StartsWith("\rreading"));
}

TEST_F(ProgressBarTest, HasNoColourWithNoColor) {
  ::setenv("NO_COLOR", "1", 1);
  ProgressBar bar(clock_, terminal_.file(), "reading", 4);
  clock_.Advance(milliseconds(500));
  bar.Advance(2);
  EXPECT_THAT(terminal_.Read(),
              AllOf(HasSubstr("[############............]  50 %"),
                    Not(HasSubstr("\x1b[3"))));
}

TEST_F(ProgressBarTest, ALongNameDoesNotBreakTheLine) {
  ProgressBar bar(clock_, terminal_.file(), std::string(200, 'x') + "\n", 4);
  clock_.Advance(milliseconds(500));
  bar.Advance(2);
  const std::string text = terminal_.Read();
  EXPECT_THAT(text, AllOf(StartsWith("\r" + std::string(26, 'x') + "  ["),
                          Not(HasSubstr("\n"))));
}

TEST_F(ProgressBarTest, NothingIsWrittenToADumbTerminalOrAFile) {
  std::FILE* file = std::tmpfile();
  {
    ::setenv("TERM", "dumb", 1);
    ProgressBar dumb(clock_, terminal_.file(), "reading", 4);
    ::setenv("TERM", "xterm", 1);
    ProgressBar plain(clock_, file, "reading", 4);
    clock_.Advance(milliseconds(500));
    dumb.Advance(2);
    plain.Advance(2);
  }
  EXPECT_EQ(terminal_.Read(), "");
  EXPECT_EQ(std::ftell(file), 0);
  std::fclose(file);
}

}  // namespace
}  // namespace fedgap
