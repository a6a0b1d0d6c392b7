// A federation's authority with bundles on disk, for tests that need TLS.
#ifndef FEDGAP_TESTS_TESTING_TEST_AUTHORITY_H_
#define FEDGAP_TESTS_TESTING_TEST_AUTHORITY_H_

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/tls_files.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {

class TestAuthority {
 public:
  explicit TestAuthority(Clock::WallTime now = SystemClock().WallNow(),
                         std::string federation = "test")
      : now_(now), authority_(Make(std::move(federation), now)) {}

  const CertificateAuthority& authority() const { return authority_; }

  // A new bundle in a directory of its own.
  TlsFiles Issue(const IssueOptions& options) {
    return Write(IssueCredentials(options));
  }
  TlsFiles Client(std::string name) {
    return Issue({.role = Role::kClient, .name = std::move(name)});
  }
  // For localhost and 127.0.0.1.
  TlsFiles Server() {
    return Issue({.role = Role::kServer,
                  .name = "server",
                  .dns_names = {"localhost"},
                  .ip_addresses = {"127.0.0.1"}});
  }

  Credentials IssueCredentials(const IssueOptions& options) const {
    StatusOr<Credentials> credentials = authority_.Issue(options, now_);
    FEDGAP_CHECK(credentials.ok());
    return *std::move(credentials);
  }
  TlsFiles Write(const Credentials& credentials) {
    const std::filesystem::path bundle = dir_ / std::to_string(bundles_++);
    std::filesystem::create_directory(bundle);
    TlsFiles files = TlsFilesIn(bundle);
    FEDGAP_CHECK(
        WriteTlsFiles(files, credentials, authority_.certificate()).ok());
    return files;
  }

 private:
  static CertificateAuthority Make(std::string federation,
                                   Clock::WallTime now) {
    StatusOr<CertificateAuthority> authority =
        CertificateAuthority::Init({.federation = std::move(federation)}, now);
    FEDGAP_CHECK(authority.ok());
    return *std::move(authority);
  }

  TempDir dir_;
  int bundles_ = 0;
  Clock::WallTime now_;
  CertificateAuthority authority_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_TEST_AUTHORITY_H_
