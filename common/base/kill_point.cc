#include "common/base/kill_point.h"

#ifdef FEDGAP_KILL_POINTS
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

#include <unistd.h>
#endif

namespace fedgap {

#ifdef FEDGAP_KILL_POINTS

namespace {

struct KillOrder {
  KillOrder() {
    const char* value = std::getenv("FEDGAP_KILL_AT");
    if (value == nullptr) return;
    name = value;
    const auto colon = name.find(':');
    if (colon == std::string::npos) return;
    left = std::atoi(name.c_str() + colon + 1);
    if (name.ends_with(":TERM")) signal = SIGTERM;
    name.resize(colon);
  }
  std::string name;
  std::atomic<int> left = 1;
  int signal = SIGKILL;
};

}  // namespace

void KillPoint(std::string_view name) {
  static KillOrder order;
  if (name != order.name || --order.left != 0) return;
  ::kill(::getpid(), order.signal);
}

#else

void KillPoint(std::string_view /*name*/) {}

#endif

}  // namespace fedgap
