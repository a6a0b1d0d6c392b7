#include "server/rpc/revocation_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

class RevocationFileTest : public testing::Test {
 protected:
  RevocationFileTest() { Trust({&authority_}); }

  // The certificates of ca.pem from now on.
  void Trust(const std::vector<const TestAuthority*>& authorities) const {
    std::string pem;
    for (const TestAuthority* authority : authorities) {
      pem += authority->authority().certificate().ToPem();
    }
    ASSERT_OK(WriteFileAtomic(ca_, pem));
  }
  StatusOr<std::shared_ptr<RevocationFile>> Open() const {
    return RevocationFile::Open({.list = path_, .authorities = ca_});
  }
  std::string List(const TestAuthority& signer,
                   const std::vector<std::string>& serials) const {
    std::vector<Revocation> revoked;
    for (const std::string& serial : serials) revoked.push_back({serial, kAt});
    return signer.authority().SignRevocations(revoked, 1, kAt).value().ToPem();
  }
  void Write(const TestAuthority& signer,
             const std::vector<std::string>& serials) const {
    ASSERT_OK(WriteFileAtomic(path_, List(signer, serials)));
  }

  const Clock::WallTime kAt{std::chrono::seconds(1'800'000'000)};
  TestAuthority authority_;
  TempDir dir_;
  const std::filesystem::path path_ = dir_ / "crl.pem";
  const std::filesystem::path ca_ = dir_ / "ca.pem";
};

TEST_F(RevocationFileTest, NeedNotExistAndIsTakenWhenItComes) {
  ASSERT_OK_AND_ASSIGN(const auto file, Open());
  EXPECT_OK(file->Check("40ab", "the certificate of a"));
  Write(authority_, {"40ab"});
  ASSERT_OK(file->Refresh());
  EXPECT_THAT(file->Check("40ab", "the certificate of a"),
              Fails(StatusCode::kPermissionDenied,
                    AllOf(HasSubstr("the certificate of a (serial 40ab)"),
                          HasSubstr("revoked on 2027-01-15"))));
  EXPECT_OK(file->Check("40ac", "the certificate of b"));
}

TEST_F(RevocationFileTest, AnOlderListTakesNothingBack) {
  Write(authority_, {"40ab", "40ac"});
  ASSERT_OK_AND_ASSIGN(const auto file, Open());
  Write(authority_, {"40ad"});
  ASSERT_OK(file->Refresh());
  for (const char* serial : {"40ab", "40ac", "40ad"}) {
    EXPECT_THAT(file->Check(serial, "x"),
                HasCode(StatusCode::kPermissionDenied))
        << serial;
  }
}

TEST_F(RevocationFileTest, WhatCannotBeUsedIsSaidOnceAndTakesNothingBack) {
  Write(authority_, {"40ab"});
  ASSERT_OK_AND_ASSIGN(const auto file, Open());
  ASSERT_OK(WriteFileAtomic(path_, std::string_view("rubbish")));
  EXPECT_THAT(file->Refresh(),
              Fails(StatusCode::kInvalidArgument, HasSubstr(path_.string())));
  EXPECT_OK(file->Refresh());
  std::filesystem::remove(path_);
  EXPECT_THAT(file->Refresh(), HasCode(StatusCode::kNotFound));
  EXPECT_OK(file->Refresh());
  const TestAuthority other;
  Write(other, {"40ac"});
  EXPECT_THAT(file->Refresh(), HasCode(StatusCode::kFailedPrecondition));
  EXPECT_OK(file->Check("40ac", "x"));
  EXPECT_THAT(file->Check("40ab", "x"), HasCode(StatusCode::kPermissionDenied));
}

// The very same file: no change tells that it can be read now.
TEST_F(RevocationFileTest, OneThatCouldNotBeReadIsTriedAgain) {
  ASSERT_OK_AND_ASSIGN(const auto file, Open());
  Write(authority_, {"40ab"});
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Status first = file->Refresh();
  const Status second = file->Refresh();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(first.ok());
  EXPECT_OK(second) << "said once";
  EXPECT_OK(file->Check("40ab", "x"));
  EXPECT_OK(file->Refresh());
  EXPECT_THAT(file->Check("40ab", "x"), HasCode(StatusCode::kPermissionDenied));
}

TEST_F(RevocationFileTest, AnAuthorityThatComesIntoCaPemMaySignLists) {
  ASSERT_OK_AND_ASSIGN(const auto file, Open());
  const TestAuthority newer;
  Write(newer, {"40ac"});
  EXPECT_THAT(file->Refresh(), HasCode(StatusCode::kFailedPrecondition));
  EXPECT_OK(file->Check("40ac", "x"));
  Trust({&authority_, &newer});
  EXPECT_OK(file->Refresh());
  EXPECT_THAT(file->Check("40ac", "x"), HasCode(StatusCode::kPermissionDenied));
  ASSERT_OK(WriteFileAtomic(
      path_, List(authority_, {"40ab"}) + List(newer, {"40ac", "40ad"})));
  EXPECT_OK(file->Refresh());
  for (const char* serial : {"40ab", "40ac", "40ad"}) {
    EXPECT_THAT(file->Check(serial, "x"),
                HasCode(StatusCode::kPermissionDenied))
        << serial;
  }
}

// Connections that it let in may be open for as long as the server runs.
TEST_F(RevocationFileTest, AnAuthorityThatLeavesCaPemMayStillSignLists) {
  ASSERT_OK_AND_ASSIGN(const auto file, Open());
  const TestAuthority newer;
  Trust({&newer});
  ASSERT_OK(file->Refresh());
  ASSERT_OK(WriteFileAtomic(
      path_, List(newer, {"40ac"}) + List(authority_, {"40ab"})));
  EXPECT_OK(file->Refresh());
  EXPECT_THAT(file->Check("40ab", "x"), HasCode(StatusCode::kPermissionDenied));
  EXPECT_THAT(file->Check("40ac", "x"), HasCode(StatusCode::kPermissionDenied));
}

TEST_F(RevocationFileTest, ACaPemThatCannotBeReadIsSaidAndListsAreObeyed) {
  ASSERT_OK_AND_ASSIGN(const auto file, Open());
  ASSERT_OK(WriteFileAtomic(ca_, std::string_view("rubbish")));
  Write(authority_, {"40ab"});
  EXPECT_THAT(file->Refresh(),
              Fails(StatusCode::kInvalidArgument, HasSubstr(ca_.string())));
  EXPECT_OK(file->Refresh()) << "said once";
  EXPECT_THAT(file->Check("40ab", "x"), HasCode(StatusCode::kPermissionDenied));
}

TEST_F(RevocationFileTest, AListThatCannotBeUsedKeepsNoOtherFromCounting) {
  const TestAuthority other;
  const std::string damaged =
      "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
  const std::string foreign = List(other, {"40ac"});
  const std::string half = foreign.substr(0, foreign.size() / 2);
  const struct {
    std::string text;
    StatusCode code;
    const char* why;
  } cases[] = {
      {foreign + List(authority_, {"40a1"}), StatusCode::kFailedPrecondition,
       "another authority's before it"},
      {List(authority_, {"40a1"}) + foreign, StatusCode::kFailedPrecondition,
       "another authority's after it"},
      {damaged + List(authority_, {"40a1"}), StatusCode::kInvalidArgument,
       "a damaged one before it"},
      {List(authority_, {"40a1"}) + half, StatusCode::kInvalidArgument,
       "one that was cut off after it"},
  };
  for (const auto& [text, code, why] : cases) {
    SCOPED_TRACE(why);
    std::filesystem::remove(path_);
    ASSERT_OK_AND_ASSIGN(const auto file, Open());
    ASSERT_OK(WriteFileAtomic(path_, text));
    EXPECT_THAT(file->Refresh(), HasCode(code));
    EXPECT_OK(file->Refresh()) << "said once";
    EXPECT_THAT(file->Check("40a1", "x"),
                HasCode(StatusCode::kPermissionDenied));
    EXPECT_OK(file->Check("40ac", "x"));
    EXPECT_THAT(Open(), HasCode(code)) << "no start";
  }
}

TEST_F(RevocationFileTest, OneThatCannotBeUsedIsRefusedAtTheStart) {
  const TestAuthority other;
  Write(other, {"40ac"});
  EXPECT_THAT(Open(), HasCode(StatusCode::kFailedPrecondition));
  ASSERT_OK(WriteFileAtomic(path_, std::string_view("")));
  EXPECT_THAT(Open(), HasCode(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fedgap
