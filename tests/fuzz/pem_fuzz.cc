// Certificates, requests, revocation lists and identities from outside never
// crash their readers, and what is accepted survives being written and read
// again.
#include <cstdint>
#include <string_view>

#include "common/base/check.h"
#include "common/crypto/certificate.h"
#include "common/crypto/certificate_request.h"
#include "common/crypto/identity.h"
#include "common/crypto/revocation_list.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto certificates = ParseCertificates(text); certificates.ok()) {
    for (const Certificate& certificate : *certificates) {
      certificate.SerialNumber();
      certificate.CommonName();
      certificate.GetIdentity().IgnoreError();
      FEDGAP_CHECK(ParseCertificates(certificate.ToPem()).ok());
    }
  }
  if (const auto request = CertificateRequest::FromPem(text); request.ok()) {
    const auto again = CertificateRequest::FromPem(request->ToPem());
    FEDGAP_CHECK(again.ok());
    FEDGAP_CHECK(again->KeyFingerprint() == request->KeyFingerprint());
  }
  const ReadableLists readable = ParseReadableRevocationLists(text);
  FEDGAP_CHECK(readable.rest.ok() == ParseRevocationLists(text).ok());
  if (const auto lists = ParseRevocationLists(text); lists.ok()) {
    FEDGAP_CHECK(lists->size() == readable.lists.size());
    for (const RevocationList& list : *lists) {
      list.Number();
      list.IssuedAt();
      for (const Revocation& revocation : list.Revocations()) {
        FEDGAP_CHECK(list.RevokedAt(revocation.serial).has_value());
      }
      FEDGAP_CHECK(ParseRevocationLists(list.ToPem()).ok());
    }
  }
  ParseIdentityUri(text).IgnoreError();
  return 0;
}

}  // namespace fedgap
