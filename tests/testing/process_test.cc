#include "tests/testing/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> Shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

TEST(ProcessTest, GivesBothStreamsAndTheExitCode) {
  const ProgramResult result =
      RunProgram(Shell("echo to out; echo to err >&2; exit 3"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.out, "to out\n");
  EXPECT_EQ(result.err, "to err\n");
}

TEST(ProcessTest, ReadsMoreThanAPipeHolds) {
  const ProgramResult result = RunProgram(
      Shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"));
  EXPECT_EQ(result.out.size(), 300000U);
  EXPECT_EQ(result.err.size(), 300000U);
}

TEST(ProcessTest, TheGivenEnvironmentWinsOverTheTests) {
  Process process(Shell("echo $HOME, ${PATH:+path}"), {"HOME=/elsewhere"});
  EXPECT_EQ(process.Wait().out, "/elsewhere, path\n");
}

TEST(ProcessTest, ASignalEndsAProgramThatHasSaidWhereItIs) {
  Process process(Shell("echo ready; exec sleep 600"));
  ASSERT_TRUE(process.WaitForLine("ready"));
  process.Signal(SIGSTOP);
  process.Signal(SIGKILL);
  const ProgramResult result = process.Wait();
  EXPECT_EQ(result.exit_code, -1);
  EXPECT_EQ(result.signal, SIGKILL);
  process.Signal(SIGKILL);  // it is gone; nobody else is hit
}

TEST(ProcessTest, ALineIsWholeOrNotThere) {
  Process process(Shell("printf 'half a line'"));
  const testing::AssertionResult found = process.WaitForLine("half");
  EXPECT_FALSE(found);
  EXPECT_THAT(found.message(), HasSubstr("half a line"));
}

TEST(ProcessTest, GivesTheLineThatHoldsAText) {
  Process process(Shell("echo a; echo port 7 >&2; echo b"));
  EXPECT_EQ(process.WholeLine("port"), "port 7");
  EXPECT_EQ(process.WholeLine("a"), "a");
}

TEST(ProcessTest, WaitsForAFileAndGivesUpWithTheProgram) {
  const TempDir dir;
  Process process(Shell("echo 7 > " + (dir / "port.tmp").string() + "; mv " +
                        (dir / "port.tmp").string() + " " +
                        (dir / "port").string() + "; echo made"));
  EXPECT_TRUE(process.WaitForFile(dir / "port"));
  const testing::AssertionResult found = process.WaitForFile(dir / "other");
  EXPECT_FALSE(found);
  EXPECT_THAT(found.message(), HasSubstr("made"));
}

// Otherwise this test takes ten minutes.
TEST(ProcessTest, WhatIsLeftIsKilled) {
  Process process({"/bin/sleep", "600"});
}

}  // namespace
}  // namespace fedgap
