// Invitations: who may fetch a certificate without having been given a key.
#ifndef FEDGAP_ENROLMENT_INVITATION_H_
#define FEDGAP_ENROLMENT_INVITATION_H_

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/identity.h"
#include "common/crypto/sha256.h"

namespace fedgap {

// What the operator hands to a site: a secret that counts once (or so often as
// the invitation says), and the fingerprint of the authority, by which the site
// knows the enrolment server before it says the secret.
struct EnrolmentToken {
  std::string secret;      // 32 hexadecimal digits
  Sha256Digest authority;  // Certificate::Fingerprint

  // "fg1.<secret>.<fingerprint>", of plain letters, digits and dots.
  std::string ToString() const;
  // INVALID_ARGUMENT: not such a text, or a piece of one.
  static StatusOr<EnrolmentToken> Parse(std::string_view text);
};

// A certificate that was issued for an invitation.
struct EnrolledKey {
  std::string key;     // CertificateRequest::KeyFingerprint in hex
  std::string serial;  // of the certificate
};

struct Invitation {
  // One name, or the beginning of names that end in a number: "site-" gives
  // site-1, site-2, ...
  std::string name;
  bool numbered = false;
  Role role = Role::kClient;
  int uses = 1;  // certificates that may be issued
  Clock::WallTime expires{};
  std::chrono::days validity{365};  // of a certificate
  std::vector<EnrolledKey> enrolled = {};

  // Certificates that it is still good for.
  int Left(Clock::WallTime now) const;
};

// The text of an invitation's file, and back. DATA_LOSS: not such a text, or
// one with values that no invitation has.
std::string ToJson(const Invitation& invitation);
StatusOr<Invitation> ParseInvitation(std::string_view json);

// The invitations of an authority, files in a directory of its own; only a
// hash of the secret is kept. One process changes an invitation at a time (the
// enrolment server); others may add new ones.
class InvitationBook {
 public:
  explicit InvitationBook(std::filesystem::path directory)
      : directory_(std::move(directory)) {}

  // A new invitation; its secret is in nobody's hands but the caller's.
  // INVALID_ARGUMENT: a bad name, a role that has no use for it (server), no
  // uses. Errors of the disk.
  StatusOr<std::string> Add(const Invitation& invitation) const;
  // NOT_FOUND: no invitation has this secret. DATA_LOSS: its file is damaged.
  StatusOr<Invitation> Find(const std::string& secret) const;
  Status Update(const std::string& secret, const Invitation& invitation) const;

  // Those that are good for a certificate yet, by name. DATA_LOSS: the file of
  // one is damaged.
  StatusOr<std::vector<Invitation>> Open(Clock::WallTime now) const;
  // Takes every open invitation of this name away, and returns how many; a
  // certificate that is being issued at this moment is issued.
  StatusOr<int> Withdraw(const std::string& name, Clock::WallTime now) const;

 private:
  // An invitation that is open, and its file.
  struct Entry {
    std::filesystem::path file;
    Invitation invitation;
  };
  StatusOr<std::vector<Entry>> OpenEntries(Clock::WallTime now) const;
  std::filesystem::path FileOf(const std::string& secret) const;

  std::filesystem::path directory_;
};

}  // namespace fedgap

#endif  // FEDGAP_ENROLMENT_INVITATION_H_
