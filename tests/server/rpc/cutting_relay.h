// A relay between a client and a server that cuts its first connection after
// a number of bytes, as a network does.
#ifndef FEDGAP_TESTS_SERVER_RPC_CUTTING_RELAY_H_
#define FEDGAP_TESTS_SERVER_RPC_CUTTING_RELAY_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>

#include "common/base/check.h"

namespace fedgap {

class CuttingRelay {
 public:
  // Cuts after `up` bytes from the client or `down` bytes to it.
  CuttingRelay(int server_port, std::int64_t up, std::int64_t down)
      : server_port_(server_port), cut_up_(up), cut_down_(down) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = Loopback(0);
    FEDGAP_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address),
                        sizeof address) == 0);
    FEDGAP_CHECK(::listen(listener_, 8) == 0);
    socklen_t length = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    FEDGAP_CHECK(::pipe(stop_) == 0);
    thread_ = std::thread([this] { Run(); });
  }
  ~CuttingRelay() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
    ::close(listener_);
  }

  static constexpr std::int64_t kNever =
      std::numeric_limits<std::int64_t>::max();

  int port() const { return port_; }
  std::int64_t bytes_up() const { return bytes_up_; }
  std::int64_t bytes_down() const { return bytes_down_; }
  int connections() const { return connections_; }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }

  // False when it is time to stop.
  bool Wait(pollfd* descriptors, nfds_t count) {
    return ::poll(descriptors, count, -1) > 0 &&
           (descriptors[0].revents & (POLLIN | POLLHUP)) == 0;
  }

  void Run() {
    while (true) {
      pollfd waiting[] = {{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
      if (!Wait(waiting, 2)) return;
      const int client = ::accept(listener_, nullptr, nullptr);
      const int server = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address = Loopback(server_port_);
      FEDGAP_CHECK(::connect(server, reinterpret_cast<sockaddr*>(&address),
                             sizeof address) == 0);
      const bool first = ++connections_ == 1;
      const bool go_on = Relay(client, server, first ? cut_up_ : kNever,
                               first ? cut_down_ : kNever);
      ::close(client);
      ::close(server);
      if (!go_on) return;
    }
  }

  bool Relay(int client, int server, std::int64_t up, std::int64_t down) {
    while (up > 0 && down > 0) {
      pollfd waiting[] = {
          {stop_[0], POLLIN, 0}, {client, POLLIN, 0}, {server, POLLIN, 0}};
      if (!Wait(waiting, 3)) return false;
      if (waiting[1].revents != 0) {
        const std::int64_t bytes = Pass(client, server);
        if (bytes <= 0) return true;
        up -= bytes;
        bytes_up_ += bytes;
      }
      if (waiting[2].revents != 0) {
        const std::int64_t bytes = Pass(server, client);
        if (bytes <= 0) return true;
        down -= bytes;
        bytes_down_ += bytes;
      }
    }
    return true;
  }

  static std::int64_t Pass(int from, int to) {
    char buffer[65536];
    const ssize_t bytes = ::recv(from, buffer, sizeof buffer, 0);
    for (ssize_t sent = 0; sent < bytes;) {
      const ssize_t now =
          ::send(to, buffer + sent, static_cast<std::size_t>(bytes - sent),
                 MSG_NOSIGNAL);
      if (now <= 0) return -1;
      sent += now;
    }
    return bytes;
  }

  const int server_port_;
  const std::int64_t cut_up_;
  const std::int64_t cut_down_;
  int listener_;
  int stop_[2];
  int port_ = 0;
  std::atomic<std::int64_t> bytes_up_ = 0;
  std::atomic<std::int64_t> bytes_down_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_SERVER_RPC_CUTTING_RELAY_H_
