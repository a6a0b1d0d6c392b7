// What a site says to the enrolment server.
#ifndef FEDGAP_ENROLMENT_ENROLMENT_MESSAGE_H_
#define FEDGAP_ENROLMENT_ENROLMENT_MESSAGE_H_

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/crypto/certificate_request.h"

namespace fedgap {

struct EnrolmentMessage {
  std::string secret;
  CertificateRequest request;
};

// From {"token": SECRET, "request": PEM}; other fields are passed over.
// INVALID_ARGUMENT: no such object, or the errors of
// CertificateRequest::FromPem. Safe on bytes from anybody.
StatusOr<EnrolmentMessage> ParseEnrolmentMessage(std::string_view json);

}  // namespace fedgap

#endif  // FEDGAP_ENROLMENT_ENROLMENT_MESSAGE_H_
