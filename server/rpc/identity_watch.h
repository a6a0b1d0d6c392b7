// The server's own certificate, followed while it runs.
#ifndef FEDGAP_SERVER_RPC_IDENTITY_WATCH_H_
#define FEDGAP_SERVER_RPC_IDENTITY_WATCH_H_

#include <chrono>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/file_stamp.h"
#include "common/crypto/tls_files.h"

namespace fedgap {

// gRPC takes new files within a minute, whatever they hold, and says nothing of
// it; nor does it say that a certificate has ended. One thread at a time.
class IdentityWatch {
 public:
  // Its end is spoken of, once a day, when so much of its life is left, or this
  // part of it if that is less.
  static constexpr std::chrono::days kEndsSoon{30};
  static constexpr int kLastPart = 3;

  struct News {
    bool is_good = false;
    std::string line;  // for an operator
  };

  // Of files that hold `certificate`, and that LoadTlsFiles found good.
  IdentityWatch(TlsFiles files, const Certificate& certificate);

  // Something new that there is to say at `now`, one thing a call.
  std::optional<News> Look(Clock::WallTime now);

 private:
  struct Stamps {
    FileStamp identity;
    FileStamp authority;
    friend bool operator==(const Stamps&, const Stamps&) = default;
  };

  Stamps Now() const {
    return {StampOf(files_.identity), StampOf(files_.authority)};
  }
  void Take(const Certificate& certificate);
  News ReadAnew(Clock::WallTime now);

  const TlsFiles files_;
  Stamps stamps_;
  Clock::WallTime ends_;
  Clock::WallTime ends_soon_;
  std::optional<Clock::WallTime> told_;  // of the end
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_IDENTITY_WATCH_H_
