#include "server/rpc/connection_table.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>

namespace fedgap {
namespace {

// What comes with a message and is no part of it: HTTP/2's frames and header
// lists, TLS's records. More than it is, so that nothing adds up.
constexpr std::int64_t kBytesOfCall = 512;
constexpr std::int64_t kMessageShare = 64;
// A chunk of an update and a window.
constexpr std::int64_t kForgiven = 2 << 20;
// Windows that are opened for what the server sends, pings and settings.
constexpr std::int64_t kSentShare = 512;
constexpr std::int64_t kBytesOfLook = 1;

bool IsV4Mapped(const sockaddr_in6& address) {
  return IN6_IS_ADDR_V4MAPPED(&address.sin6_addr) != 0;
}

std::string PeerOf(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4.sin_port));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  if (IsV4Mapped(v6)) {
    ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
  } else {
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  return fmt::format("{}:{}", text, ntohs(v6.sin6_port));
}

std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 2, value, 16).ec ==
            std::errc()) {
      decoded.push_back(static_cast<char>(value));
      i += 2;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

// As PeerOf, from "ipv4:address:port" or "ipv6:[address]:port", the latter with
// its brackets escaped.
std::string PeerOf(const std::string& of_grpc) {
  std::string text = PercentDecoded(of_grpc);
  text.erase(0, text.find(':') + 1);
  std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
  return text;
}

std::optional<std::uint64_t> CookieOf(int descriptor) {
  std::uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0) {
    return std::nullopt;
  }
  return cookie;
}

}  // namespace

void ConnectionTable::Traffic::Received(std::size_t bytes) {
  const auto length = static_cast<std::int64_t>(bytes);
  received_ += length + length / kMessageShare + kBytesOfCall;
}

void ConnectionTable::Traffic::Forgive() { received_ += kForgiven; }

bool ConnectionTable::Look(Connection& connection) {
  // Before the kernel is asked: what is received meanwhile has come by then.
  const std::int64_t received = connection.traffic->received_;
  if (CookieOf(connection.descriptor) != connection.cookie) return false;
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(connection.descriptor, IPPROTO_TCP, TCP_INFO, &info,
                   &length) != 0) {
    return false;
  }
  const auto came = static_cast<std::int64_t>(info.tcpi_bytes_received);
  const auto sent = static_cast<std::int64_t>(info.tcpi_bytes_acked);
  connection.unread_bytes +=
      (came - connection.came_bytes) - (received - connection.received_bytes) -
      (sent - connection.sent_bytes) / kSentShare - kBytesOfLook;
  // No savings: one that receives much may not leave much unread for it.
  connection.unread_bytes = std::max<std::int64_t>(connection.unread_bytes, 0);
  connection.came_bytes = came;
  connection.sent_bytes = sent;
  connection.received_bytes = received;
  return true;
}

void ConnectionTable::Forget(Connections::iterator at) {
  const auto& [age, connection] = *at;
  strangers_.erase(age);
  const auto peer = peers_.find(connection.peer);
  if (peer != peers_.end() && peer->second == age) peers_.erase(peer);
  const auto client = clients_.find(connection.client);
  if (client != clients_.end()) {
    client->second.erase(age);
    if (client->second.empty()) clients_.erase(client);
  }
  connections_.erase(at);
}

void ConnectionTable::ShutDown(Connections::iterator at) {
  const Connection& connection = at->second;
  if (CookieOf(connection.descriptor) == connection.cookie) {
    ::shutdown(connection.descriptor, SHUT_RDWR);
  }
  Forget(at);
}

void ConnectionTable::LookAtAll() {
  for (auto at = connections_.begin(); at != connections_.end();) {
    const auto next = std::next(at);
    if (!Look(at->second)) Forget(at);
    at = next;
  }
}

bool ConnectionTable::MakeRoom() {
  if (connections_.size() < options_.connections) return true;
  if (strangers_.empty()) {
    LookAtAll();
  } else {
    ShutDown(connections_.find(*strangers_.begin()));
  }
  return connections_.size() < options_.connections;
}

bool ConnectionTable::Add(int descriptor) {
  Connection connection;
  connection.descriptor = descriptor;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  const auto cookie = CookieOf(descriptor);
  if (!cookie.has_value() ||
      ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address),
                    &length) != 0) {
    return false;
  }
  connection.cookie = *cookie;
  connection.peer = PeerOf(address);
  connection.traffic = std::make_shared<Traffic>();
  MutexLock lock(mutex_);
  if (!MakeRoom()) return false;
  const Age age = next_++;
  peers_[connection.peer] = age;
  strangers_.insert(age);
  connections_[age] = std::move(connection);
  return true;
}

std::shared_ptr<ConnectionTable::Traffic> ConnectionTable::Know(
    const std::string& peer, const ClientName& client) {
  MutexLock lock(mutex_);
  const auto age = peers_.find(PeerOf(peer));
  if (age == peers_.end()) return std::make_shared<Traffic>();
  Connection& connection = connections_.at(age->second);
  std::shared_ptr<Traffic> traffic = connection.traffic;
  if (connection.is_known) return traffic;
  connection.is_known = true;
  connection.client = client;
  strangers_.erase(age->second);
  std::set<Age>& ages = clients_[client];
  ages.insert(age->second);
  if (ages.size() > options_.connections_of_client) {
    ShutDown(connections_.find(*ages.begin()));
  }
  return traffic;
}

std::vector<std::pair<std::string, Status>> ConnectionTable::TakeBack() {
  std::int64_t total = 0;
  std::vector<std::pair<std::int64_t, Age>> largest;
  for (const auto& [age, connection] : connections_) {
    total += connection.unread_bytes;
    if (connection.unread_bytes > 0) {
      largest.emplace_back(connection.unread_bytes, age);
    }
  }
  std::sort(largest.rbegin(), largest.rend());
  std::vector<std::pair<std::string, Status>> taken;
  for (const auto& [bytes, age] : largest) {
    if (bytes <= options_.unread_bytes_of_connection &&
        total <= options_.unread_bytes) {
      break;
    }
    const auto at = connections_.find(age);
    taken.emplace_back(
        at->second.peer,
        absl::ResourceExhaustedError(fmt::format(
            "the connection{}{} was shut down: {} bytes that came on it are no "
            "whole message",
            at->second.is_known ? " of " : "", at->second.client.value,
            bytes)));
    total -= bytes;
    ShutDown(at);
  }
  return taken;
}

void ConnectionTable::Check() {
  std::vector<std::pair<std::string, Status>> taken;
  {
    MutexLock lock(mutex_);
    LookAtAll();
    taken = TakeBack();
  }
  for (const auto& [peer, why] : taken) tell_(peer, why);
}

std::size_t ConnectionTable::size() const {
  MutexLock lock(mutex_);
  return connections_.size();
}

}  // namespace fedgap
