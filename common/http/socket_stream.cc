#include "common/http/socket_stream.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace fedgap {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

std::ptrdiff_t Receive(int socket, std::span<char> into,
                       const ServerTlsSession::Wait& wait) {
  while (true) {
    const ssize_t got = ::recv(socket, into.data(), into.size(), 0);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if (!WouldBlock(errno) || !wait(POLLIN)) return -1;
  }
}

std::ptrdiff_t Send(int socket, std::span<const char> bytes,
                    const ServerTlsSession::Wait& wait) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t sent =
        ::send(socket, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
    } else if (errno != EINTR && (!WouldBlock(errno) || !wait(POLLOUT))) {
      return -1;
    }
  }
  return static_cast<std::ptrdiff_t>(done);
}

using NameOf = int (*)(int, sockaddr*, socklen_t*);

SocketStream::Address AddressOf(int socket, NameOf name_of) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  std::array<char, NI_MAXHOST> ip{};
  std::array<char, NI_MAXSERV> port{};
  if (name_of(socket, address, &size) != 0 ||
      ::getnameinfo(address, size, ip.data(), ip.size(), port.data(),
                    port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  return {.ip = ip.data(), .port = std::atoi(port.data())};
}

}  // namespace

SocketStream::SocketStream(int socket, ssl_ctx_st* tls,
                           const HttpLimits& limits)
    : socket_(socket), limits_(limits) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  if (tls != nullptr) tls_.emplace(*tls, socket);
  BeginRequest();
}

SocketStream::~SocketStream() {
  if (tls_.has_value()) tls_->Close();
}

void SocketStream::BeginRequest() {
  request_deadline_ = steady_clock::now() + limits_.request;
  request_bytes_ = end_ - next_;
}

bool SocketStream::WaitUntil(short events, Time deadline) const {
  while (true) {
    // Rounded up: not to spin through the last millisecond.
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{.fd = socket_, .events = events, .revents = 0};
    const int ready = ::poll(
        &entry, 1, static_cast<int>(std::min<long>(left.count(), INT_MAX)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool SocketStream::Accept() {
  return !tls_.has_value() || tls_->Accept([this](short events) {
    return WaitUntil(events, request_deadline_);
  });
}

std::ptrdiff_t SocketStream::Fill() {
  // Bytes that are always there already must not get past the deadline.
  if (steady_clock::now() >= request_deadline_ ||
      request_bytes_ >= limits_.max_request_bytes) {
    return -1;
  }
  const auto wait = [this](short events) {
    return WaitUntil(events, request_deadline_);
  };
  const std::span<char> into(
      buffer_.data(),
      std::min(buffer_.size(), limits_.max_request_bytes - request_bytes_));
  const std::ptrdiff_t got =
      tls_.has_value() ? tls_->Read(into, wait) : Receive(socket_, into, wait);
  next_ = 0;
  end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  request_bytes_ += end_;
  return got;
}

std::ptrdiff_t SocketStream::Read(std::span<char> into) {
  if (next_ == end_) {
    const std::ptrdiff_t got = Fill();
    if (got <= 0) return got;
  }
  const std::size_t size = std::min(into.size(), end_ - next_);
  std::copy_n(buffer_.data() + next_, size, into.data());
  next_ += size;
  return static_cast<std::ptrdiff_t>(size);
}

std::ptrdiff_t SocketStream::Write(std::span<const char> bytes) {
  const Time deadline =
      steady_clock::now() + limits_.write +
      std::chrono::seconds(bytes.size() / limits_.least_bytes_per_second);
  const auto wait = [this, deadline](short events) {
    return WaitUntil(events, deadline);
  };
  return tls_.has_value() ? tls_->Write(bytes, wait)
                          : Send(socket_, bytes, wait);
}

bool SocketStream::IsReadable() const {
  if (next_ < end_) return true;
  pollfd entry{.fd = socket_, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

bool SocketStream::IsWritable() const {
  char byte = 0;
  const bool is_closed =
      ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  return !is_closed && WaitUntil(POLLOUT, steady_clock::now() + limits_.write);
}

SocketStream::Address SocketStream::Remote() const {
  return AddressOf(socket_, ::getpeername);
}

SocketStream::Address SocketStream::Local() const {
  return AddressOf(socket_, ::getsockname);
}

}  // namespace fedgap
