// What anybody can send to the enrolment port, what a site is given to type,
// and the files of invitations never crash their readers; what is accepted
// survives being written and read again. The first byte chooses.
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "enrolment/enrolment_message.h"
#include "enrolment/invitation.h"

namespace fedgap {
namespace {

void ReadMessage(std::string_view text) {
  const auto message = ParseEnrolmentMessage(text);
  if (!message.ok()) return;
  const auto again = CertificateRequest::FromPem(message->request.ToPem());
  FEDGAP_CHECK(again.ok());
  FEDGAP_CHECK(again->KeyFingerprint() == message->request.KeyFingerprint());
}

void ReadToken(std::string_view text) {
  const auto token = EnrolmentToken::Parse(text);
  if (token.ok()) FEDGAP_CHECK(token->ToString() == text);
}

void ReadInvitation(std::string_view text) {
  const auto invitation = ParseInvitation(text);
  if (!invitation.ok()) return;
  const std::string written = ToJson(*invitation);
  const auto again = ParseInvitation(written);
  FEDGAP_CHECK(again.ok());
  FEDGAP_CHECK(ToJson(*again) == written);
  // What enrolment adds to it.
  const auto now = SystemClock().WallNow();
  FEDGAP_CHECK(now + invitation->validity > now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1),
                              size - 1);
  switch (data[0]) {
    case 'm':
      ReadMessage(text);
      break;
    case 't':
      ReadToken(text);
      break;
    case 'i':
      ReadInvitation(text);
      break;
    default:
      break;
  }
  return 0;
}

}  // namespace fedgap
