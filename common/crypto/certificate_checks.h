// What can be wrong with a certificate, one question a function, each answered
// in words that say what to do. TLS itself asks the same questions but tells a
// refused peer only that the socket was closed, so a program asks them about
// its own files before it connects or listens.
#ifndef FEDGAP_COMMON_CRYPTO_CERTIFICATE_CHECKS_H_
#define FEDGAP_COMMON_CRYPTO_CERTIFICATE_CHECKS_H_

#include <span>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/certificate.h"
#include "common/crypto/private_key.h"

namespace fedgap {

// Which end of a TLS connection a certificate serves (extendedKeyUsage).
enum class TlsEnd { kClient, kServer };

// All return OK or FAILED_PRECONDITION.

// The key belongs to the certificate.
Status CheckPair(const Certificate& certificate, const PrivateKey& key);
// `now` lies within the validity period; outside, the message has both ends of
// the period and `now`, for a wrong clock is as likely as an old certificate.
Status CheckValidity(const Certificate& certificate, Clock::WallTime now);
// One of `authorities` signed it. Does not look at dates.
Status CheckIssuedBy(const Certificate& certificate,
                     std::span<const Certificate> authorities);
// It may be used at this end: a client's certificate cannot pose as a server.
Status CheckUsage(const Certificate& certificate, TlsEnd end);
// One of its DNS or IP names is `host` (a name or an address, no port).
Status CheckHostName(const Certificate& certificate, std::string_view host);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_CERTIFICATE_CHECKS_H_
