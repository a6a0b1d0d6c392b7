#include "tests/testing/rank_network.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <iterator>
#include <sstream>

#include "common/base/file_io.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

constexpr const char* kIp = "/usr/sbin/ip";

std::string RunIp(std::vector<std::string> words) {
  words.insert(words.begin(), kIp);
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 0)
      << fmt::format("{}: ", fmt::join(words, " ")) << result.err;
  return result.out;
}

}  // namespace

std::string RankNetwork::WhyNot() {
  if (::geteuid() != 0) return "network namespaces need root";
  if (::access(kIp, X_OK) != 0) return "no ip (Debian: iproute2)";
  if (RunProgram({"/usr/bin/unshare", "--net", "--uts", "true"}).exit_code !=
      0) {
    return "this root may not make network namespaces";
  }
  return "";
}

RankNetwork::RankNetwork(int machines, const std::filesystem::path& folder)
    : machines_(machines),
      prefix_(fmt::format("fedgap-{}", ::getpid())),
      agent_(folder / "agent") {
  const std::string hub = prefix_ + "-hub";
  RunIp({"netns", "add", hub});
  RunIp({"-n", hub, "link", "add", "bridge", "type", "bridge"});
  RunIp({"-n", hub, "link", "set", "bridge", "up"});
  for (int machine = 0; machine < machines_; ++machine) Join(machine);
  // mpirun calls it with an address and the words of a shell's command line.
  EXPECT_OK(WriteFileAtomic(agent_, fmt::format(R"(#!/bin/sh
machine=$((${{1##*.}} - 1))
shift
exec {} netns exec {}-$machine unshare --uts sh -c "hostname machine-$machine; $*"
)",
                                                kIp, prefix_)));
  std::filesystem::permissions(agent_, std::filesystem::perms::owner_all);
}

RankNetwork::~RankNetwork() {
  for (int machine = 0; machine < machines_; ++machine) {
    RunIp({"netns", "delete", NameOf(machine)});
  }
  RunIp({"netns", "delete", prefix_ + "-hub"});
}

void RankNetwork::Join(int machine) {
  const std::string hub = prefix_ + "-hub";
  const std::string name = NameOf(machine);
  const std::string port = fmt::format("port{}", machine);
  RunIp({"netns", "add", name});
  RunIp({"-n", name, "link", "set", "lo", "up"});
  RunIp({"-n", name, "link", "add", "eth0", "type", "veth", "peer", "name",
         port, "netns", hub});
  RunIp({"-n", hub, "link", "set", port, "master", "bridge", "up"});
  RunIp({"-n", name, "address", "add", AddressOf(machine) + "/24", "dev",
         "eth0"});
  RunIp({"-n", name, "link", "set", "eth0", "up"});
}

std::string RankNetwork::NameOf(int machine) const {
  return fmt::format("{}-{}", prefix_, machine);
}

std::string RankNetwork::AddressOf(int machine) {
  return fmt::format("10.77.0.{}", machine + 1);
}

std::vector<std::string> RankNetwork::Enter(int machine) const {
  return {kIp, "netns", "exec", NameOf(machine)};
}

std::string RankNetwork::MpirunArgs() const {
  std::vector<std::string> hosts;
  for (int machine = 0; machine < machines_; ++machine) {
    hosts.push_back(AddressOf(machine));
  }
  return fmt::format(
      "--host {} --mca plm_rsh_agent {} --mca plm_rsh_no_tree_spawn 1 "
      "--mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 "
      "--mca oob_tcp_if_include 10.77.0.0/24",
      fmt::join(hosts, ","), agent_.string());
}

std::int64_t RankNetwork::ReceivedBytes(int machine) const {
  std::vector<std::string> words = Enter(machine);
  words.insert(words.end(),
               {"/bin/cat", "/sys/class/net/eth0/statistics/rx_bytes"});
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return std::stoll("0" + result.out);
}

std::vector<pid_t> RankNetwork::Processes(int machine) const {
  std::istringstream lines(RunIp({"netns", "pids", NameOf(machine)}));
  return {std::istream_iterator<pid_t>(lines), {}};
}

}  // namespace fedgap
