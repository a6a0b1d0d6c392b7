// How a site gets its certificate: the authority's side, without the network.
#ifndef FEDGAP_ENROLMENT_ENROLMENT_H_
#define FEDGAP_ENROLMENT_ENROLMENT_H_

#include <string>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/certificate_request.h"
#include "enrolment/authority_directory.h"
#include "enrolment/invitation.h"

namespace fedgap {

// Thread-safe; one for an authority's directory at a time.
class Enrolment {
 public:
  Enrolment(AuthorityDirectory directory, CertificateAuthority authority)
      : directory_(std::move(directory)),
        authority_(std::move(authority)),
        book_(directory_.invitations()) {}

  // A certificate on the request's key, with the name and role of the
  // invitation, recorded before it is given away. The same key with the same
  // secret gets its certificate again: an answer may be lost.
  // PERMISSION_DENIED: the secret is nobody's, or the invitation has expired or
  // is used up; errors of the disk and of CertificateAuthority::Issue.
  StatusOr<Certificate> Enrol(const std::string& secret,
                              const CertificateRequest& request,
                              Clock::WallTime now) EXCLUDES(mutex_);

  const CertificateAuthority& authority() const { return authority_; }

 private:
  StatusOr<std::string> NameFor(const Invitation& invitation) const;

  const AuthorityDirectory directory_;
  const CertificateAuthority authority_;
  const InvitationBook book_;
  Mutex mutex_;
};

}  // namespace fedgap

#endif  // FEDGAP_ENROLMENT_ENROLMENT_H_
