#include "enrolment/enrolment.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace fedgap {

// The first number that no certificate of this authority has.
StatusOr<std::string> Enrolment::NameFor(const Invitation& invitation) const {
  if (!invitation.numbered) return invitation.name;
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<Certificate> issued,
                          directory_.Issued(authority_));
  std::set<std::string> taken;
  for (const Certificate& certificate : issued) {
    const StatusOr<Identity> identity = certificate.GetIdentity();
    if (identity.ok()) taken.insert(identity->name);
  }
  int number = 1;
  while (taken.contains(fmt::format("{}{}", invitation.name, number))) {
    ++number;
  }
  return fmt::format("{}{}", invitation.name, number);
}

StatusOr<Certificate> Enrolment::Enrol(const std::string& secret,
                                       const CertificateRequest& request,
                                       Clock::WallTime now) {
  MutexLock lock(mutex_);
  StatusOr<Invitation> found = book_.Find(secret);
  if (absl::IsNotFound(found.status())) {
    return absl::PermissionDeniedError(MessageOf(found.status()));
  }
  FEDGAP_RETURN_IF_ERROR(found.status());
  Invitation invitation = *std::move(found);
  const std::string key = ToHex(request.KeyFingerprint());
  for (const EnrolledKey& one : invitation.enrolled) {
    if (one.key == key) return directory_.ReadIssued(one.serial);
  }
  if (now > invitation.expires) {
    return absl::PermissionDeniedError(
        fmt::format("the token expired on {}; ask the federation's operator "
                    "for a new one (`fedgap certs invite`)",
                    FormatUtc(invitation.expires)));
  }
  if (std::ssize(invitation.enrolled) >= invitation.uses) {
    return absl::PermissionDeniedError(
        "the token is used up; ask the federation's operator for a new one "
        "(`fedgap certs invite`). If it was not you who used it, say so: its "
        "certificate can be revoked");
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::string name, NameFor(invitation));
  FEDGAP_ASSIGN_OR_RETURN(Certificate certificate,
                          authority_.Issue({.role = invitation.role,
                                            .name = name,
                                            .validity = invitation.validity},
                                           request, now));
  FEDGAP_RETURN_IF_ERROR(directory_.Record(certificate));
  // What is recorded but not counted was given to nobody.
  invitation.enrolled.push_back({key, certificate.SerialNumber()});
  FEDGAP_RETURN_IF_ERROR(book_.Update(secret, invitation));
  return certificate;
}

}  // namespace fedgap
