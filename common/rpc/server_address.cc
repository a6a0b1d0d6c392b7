#include "common/rpc/server_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "common/base/wrong_usage.h"

namespace fedgap {
namespace {

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return port;
}

bool IsHost(std::string_view host) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return !host.empty() &&
         host.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool IsIpv6(std::string_view host) {
  in6_addr address;
  return ::inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
}

Status BadAddress(std::string_view text) {
  return WrongUsage(
      fmt::format("'{}' is no server address; give HOST:PORT, like "
                  "server.example.org:7443 or [2001:db8::7]:7443",
                  text));
}

}  // namespace

std::string ServerAddress::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port)
            : fmt::format("{}:{}", host, port);
}

bool ServerAddress::IsLoopback() const {
  if (host == "localhost" || host == "::1") return true;
  in_addr address;
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
         ::ntohl(address.s_addr) >> 24 == 127;
}

StatusOr<ServerAddress> ParseServerAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadAddress(text);
  std::string_view host = text.substr(0, colon);
  const std::optional<std::uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port.has_value()) return BadAddress(text);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed ? !IsIpv6(host) : !IsHost(host)) return BadAddress(text);
  return ServerAddress{.host = std::string(host), .port = *port};
}

}  // namespace fedgap
