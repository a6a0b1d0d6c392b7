#include "common/crypto/revocation_list.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include "common/base/check.h"
#include "common/crypto/asn1_values.h"
#include "common/crypto/openssl_handles.h"

namespace fedgap {

void RevocationList::Free::operator()(X509_crl_st* list) const {
  X509_CRL_free(list);
}

std::string RevocationList::ToPem() const {
  const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
  FEDGAP_CHECK(bio != nullptr);
  FEDGAP_CHECK(PEM_write_bio_X509_CRL(bio.get(), handle()) == 1);
  return openssl::TextOf(bio.get());
}

std::int64_t RevocationList::Number() const {
  const openssl::IntegerPtr number(static_cast<ASN1_INTEGER*>(
      X509_CRL_get_ext_d2i(handle(), NID_crl_number, nullptr, nullptr)));
  std::int64_t value = 0;
  if (number == nullptr || ASN1_INTEGER_get_int64(&value, number.get()) != 1) {
    ERR_clear_error();
    return 0;
  }
  return value;
}

std::string RevocationList::IssuerCommonName() const {
  return openssl::CommonNameOf(X509_CRL_get_issuer(handle()));
}

Clock::WallTime RevocationList::IssuedAt() const {
  return openssl::TimeOf(X509_CRL_get0_lastUpdate(handle()));
}

Clock::WallTime RevocationList::GoodUntil() const {
  return openssl::TimeOf(X509_CRL_get0_nextUpdate(handle()));
}

std::vector<Revocation> RevocationList::Revocations() const {
  std::vector<Revocation> all;
  const STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(handle());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    all.push_back({openssl::HexOf(X509_REVOKED_get0_serialNumber(entry)),
                   openssl::TimeOf(X509_REVOKED_get0_revocationDate(entry))});
  }
  return all;
}

std::optional<Clock::WallTime> RevocationList::RevokedAt(
    std::string_view serial) const {
  for (const Revocation& revocation : Revocations()) {
    if (revocation.serial == serial) return revocation.time;
  }
  return std::nullopt;
}

Status RevocationList::CheckIssuedBy(
    std::span<const Certificate> authorities) const {
  std::vector<std::string> names;
  for (const Certificate& authority : authorities) {
    EVP_PKEY* key = X509_get0_pubkey(authority.handle());
    const bool signed_by_it =
        key != nullptr && X509_CRL_verify(handle(), key) == 1;
    ERR_clear_error();
    if (signed_by_it) return absl::OkStatus();
    names.push_back(authority.CommonName());
  }
  return absl::FailedPreconditionError(fmt::format(
      "the list of revoked certificates was not signed by the authority at "
      "hand ('{}'); use the crl.pem that `fedgap certs revoke` wrote beside "
      "the same authority's ca.pem",
      fmt::join(names, "', '")));
}

ReadableLists ParseReadableRevocationLists(std::string_view pem) {
  ERR_clear_error();  // so that an error found later is this text's
  const openssl::BioPtr bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  FEDGAP_CHECK(bio != nullptr);
  ReadableLists readable;
  std::string damage;
  while (true) {
    X509_CRL* handle =
        PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr);
    if (handle != nullptr) {
      readable.lists.emplace_back(handle);
      continue;
    }
    // "No start line" after the last block is the ordinary end; a damaged block
    // has been read past.
    const bool ended =
        ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    const std::string error = openssl::TakeError();
    if (damage.empty() && (!ended || readable.lists.empty())) damage = error;
    if (ended) break;
  }
  if (!damage.empty()) {
    readable.rest = absl::InvalidArgumentError(fmt::format(
        "no readable revocation list in {} ({}); it needs a block "
        "-----BEGIN X509 CRL-----",
        readable.lists.empty() ? "this PEM text" : "a part of this PEM text",
        damage));
  }
  return readable;
}

StatusOr<std::vector<RevocationList>> ParseRevocationLists(
    std::string_view pem) {
  ReadableLists readable = ParseReadableRevocationLists(pem);
  FEDGAP_RETURN_IF_ERROR(readable.rest);
  return std::move(readable.lists);
}

Status RevokedError(std::string_view serial, std::string_view whose,
                    Clock::WallTime since) {
  return absl::PermissionDeniedError(fmt::format(
      "{} (serial {}) was revoked on {}; ask the federation's operator for "
      "a new bundle",
      whose, serial, FormatUtc(since)));
}

Status CheckNotRevoked(std::string_view serial, std::string_view whose,
                       std::span<const RevocationList> lists) {
  for (const RevocationList& list : lists) {
    const std::optional<Clock::WallTime> time = list.RevokedAt(serial);
    if (time.has_value()) return RevokedError(serial, whose, *time);
  }
  return absl::OkStatus();
}

}  // namespace fedgap
