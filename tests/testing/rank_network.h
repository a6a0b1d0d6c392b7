// Several machines for MPI, as far as the network goes: network namespaces with
// addresses of their own, joined by a bridge.
#ifndef FEDGAP_TESTS_TESTING_RANK_NETWORK_H_
#define FEDGAP_TESTS_TESTING_RANK_NETWORK_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fedgap {

// The namespaces `fedgap-PID-0` to `-N` while this object lives, and one for
// the bridge, so that the machine's own network is left alone. Machine i has
// the address 10.77.0.(i + 1) and a host name of its own; mpirun reaches the
// others by an agent that enters their namespace, as ssh would reach a machine.
class RankNetwork {
 public:
  // Empty, or why this process cannot have one.
  static std::string WhyNot();

  // Writes the agent into `folder`. A failed expectation where something cannot
  // be made.
  RankNetwork(int machines, const std::filesystem::path& folder);
  ~RankNetwork();
  RankNetwork(const RankNetwork&) = delete;
  RankNetwork& operator=(const RankNetwork&) = delete;

  // What goes before a program's words to run it there.
  std::vector<std::string> Enter(int machine) const;
  // For `fedgap simulate --mpirun-args`, run on machine 0: a rank on each
  // machine, which speak TCP.
  std::string MpirunArgs() const;
  // That the machine's network card has had from the others.
  std::int64_t ReceivedBytes(int machine) const;
  // The processes that run there.
  std::vector<pid_t> Processes(int machine) const;

 private:
  std::string NameOf(int machine) const;
  static std::string AddressOf(int machine);
  void Join(int machine);

  const int machines_;
  const std::string prefix_;
  const std::filesystem::path agent_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_RANK_NETWORK_H_
