// How a site gets its certificate: the site's side.
#ifndef FEDGAP_ENROLMENT_ENROL_H_
#define FEDGAP_ENROLMENT_ENROL_H_

#include <filesystem>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/identity.h"
#include "common/crypto/private_key.h"
#include "common/rpc/server_address.h"
#include "enrolment/invitation.h"

namespace fedgap {

struct EnrolOptions {
  ServerAddress server;
  EnrolmentToken token;
  KeyAlgorithm algorithm = KeyAlgorithm::kP256;
  // Where the bundle is written; made if it does not exist.
  std::filesystem::path bundle;
};

// Makes a key, asks the enrolment server for a certificate on it and writes the
// bundle; the key does not leave this machine. The server is judged before the
// secret is said: the authority with the token's fingerprint must be in the
// chain that it shows and must have issued its certificate for this host.
// UNAUTHENTICATED: it is another's server; PERMISSION_DENIED: the token does
// not count, in the server's words; FAILED_PRECONDITION: it is no enrolment
// server; UNAVAILABLE: nobody is there; errors of the disk. Nothing of a failed
// attempt is left behind. Returns who this site is now.
StatusOr<Identity> Enrol(const EnrolOptions& options, Clock::WallTime now);

}  // namespace fedgap

#endif  // FEDGAP_ENROLMENT_ENROL_H_
