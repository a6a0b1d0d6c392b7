#include "common/telemetry/background_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fedgap {
namespace {

// A place to write to that a test can hold.
class Gate {
 public:
  void Write(std::string_view text) {
    MutexLock lock(mutex_);
    is_waited_at_ = true;
    changed_.NotifyAll();
    while (is_shut_) changed_.Wait(mutex_);
    text_ += text;
  }
  void Shut() {
    MutexLock lock(mutex_);
    is_shut_ = true;
  }
  void WaitForWriter() {
    MutexLock lock(mutex_);
    while (!is_waited_at_) changed_.Wait(mutex_);
  }
  void Open() {
    MutexLock lock(mutex_);
    is_shut_ = false;
    changed_.NotifyAll();
  }
  std::string text() const {
    MutexLock lock(mutex_);
    return text_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool is_shut_ GUARDED_BY(mutex_) = false;
  bool is_waited_at_ GUARDED_BY(mutex_) = false;
  std::string text_ GUARDED_BY(mutex_);
};

class BackgroundWriterTest : public ::testing::Test {
 protected:
  BackgroundWriter::Write ToGate() {
    return [this](std::string_view text) { gate_.Write(text); };
  }
  Gate gate_;
};

TEST_F(BackgroundWriterTest, WritesInOrder) {
  BackgroundWriter writer(ToGate());
  for (const char* text : {"a", "b", "c"}) writer.Append(text);
  writer.Drain();
  EXPECT_EQ(gate_.text(), "abc");
}

TEST_F(BackgroundWriterTest, ItsEndWritesWhatIsLeft) {
  { BackgroundWriter(ToGate()).Append("last words"); }
  EXPECT_EQ(gate_.text(), "last words");
}

TEST_F(BackgroundWriterTest, WhoAppendsDoesNotWaitForAPlaceThatStandsStill) {
  gate_.Shut();
  BackgroundWriter writer(ToGate(), /*max_pending_bytes=*/4);
  writer.Append("1");
  gate_.WaitForWriter();
  for (const char* text : {"2", "3", "4444", "5"}) writer.Append(text);
  gate_.Open();
  writer.Drain();
  EXPECT_EQ(gate_.text(), "123\n[5 bytes were left out]\n");
  writer.Append("6");
  writer.Drain();
  EXPECT_THAT(gate_.text(), ::testing::EndsWith("out]\n6"));
}

}  // namespace
}  // namespace fedgap
