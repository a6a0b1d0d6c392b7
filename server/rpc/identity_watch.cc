#include "server/rpc/identity_watch.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fedgap {
namespace {

std::string Day(Clock::WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC",
                     std::chrono::floor<std::chrono::minutes>(time));
}

}  // namespace

IdentityWatch::IdentityWatch(TlsFiles files, const Certificate& certificate)
    : files_(std::move(files)), stamps_(Now()) {
  Take(certificate);
}

void IdentityWatch::Take(const Certificate& certificate) {
  ends_ = certificate.NotAfter();
  const Clock::WallTime::duration life = ends_ - certificate.NotBefore();
  ends_soon_ =
      ends_ - std::min<Clock::WallTime::duration>(kEndsSoon, life / kLastPart);
  told_.reset();
}

std::optional<IdentityWatch::News> IdentityWatch::Look(Clock::WallTime now) {
  const Stamps stamps = Now();
  if (std::exchange(stamps_, stamps) != stamps) return ReadAnew(now);
  const bool is_over = now >= ends_;
  const bool is_told = told_.has_value() &&
                       now - *told_ < std::chrono::days(1) &&
                       is_over == (*told_ >= ends_);
  if (now < ends_soon_ || is_told) return std::nullopt;
  told_ = now;
  return News{
      false,
      fmt::format("the server's certificate {} on {}{}: issue another (`fedgap "
                  "certs issue`) and put it at {}; this program need not start "
                  "anew",
                  is_over ? "ended" : "ends", Day(ends_),
                  is_over ? ", and no client connects any more" : "",
                  files_.identity.string())};
}

IdentityWatch::News IdentityWatch::ReadAnew(Clock::WallTime now) {
  const StatusOr<TlsMaterial> material =
      LoadTlsFiles(files_, TlsEnd::kServer, now);
  if (!material.ok()) {
    return {false,
            "the server's certificate files were replaced by what "
            "cannot be used, and connections fail until that is "
            "mended: " +
                MessageOf(material.status())};
  }
  Take(material->certificate);
  return {true, fmt::format("the server's certificate files were replaced: "
                            "valid until {}, in use within a minute",
                            Day(ends_))};
}

}  // namespace fedgap
