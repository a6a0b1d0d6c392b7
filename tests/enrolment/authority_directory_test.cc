#include "enrolment/authority_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using testing::ElementsAre;

// While authorities are changed over, a server's file holds the lists of both.
class SharedListTest : public testing::Test {
 protected:
  SharedListTest() {
    // A server's bundle in the directory, which gets a copy.
    const std::filesystem::path hub = dir_ / "hub";
    std::filesystem::create_directory(hub);
    EXPECT_OK(
        WriteTlsFiles(TlsFilesIn(hub),
                      ours_.IssueCredentials({.role = Role::kServer,
                                              .name = "hub",
                                              .ip_addresses = {"127.0.0.1"}}),
                      authority().certificate()));
  }
  const CertificateAuthority& authority() const { return ours_.authority(); }
  static RevocationList List(const TestAuthority& signer,
                             const std::string& serial, std::int64_t number) {
    return signer.authority()
        .SignRevocations({{{serial, kAt}}}, number, kAt)
        .value();
  }
  std::vector<std::string> SerialsIn(const std::filesystem::path& path) {
    std::vector<std::string> serials;
    const auto lists = ParseRevocationLists(ReadFileText(path).value());
    EXPECT_OK(lists);
    for (const RevocationList& list : *lists) {
      for (const Revocation& one : list.Revocations()) {
        serials.push_back(one.serial);
      }
    }
    return serials;
  }

  static constexpr Clock::WallTime kAt{std::chrono::seconds(1'800'000'000)};
  TestAuthority ours_;
  TestAuthority others_;
  TempDir dir_;
  AuthorityDirectory directory_{dir_.path()};
};

TEST_F(SharedListTest, OnlyTheOwnListIsReplaced) {
  const std::string others = List(others_, "40ab", 9).ToPem();
  const std::string own = List(ours_, "4001", 1).ToPem();
  ASSERT_OK(WriteFileAtomic(dir_ / "crl.pem", others + own));
  ASSERT_OK(WriteFileAtomic(dir_ / "hub/crl.pem", own + others));
  ASSERT_OK_AND_ASSIGN(
      const auto written,
      directory_.WriteRevocations(authority(), List(ours_, "4002", 2)));
  EXPECT_THAT(written, ElementsAre(dir_ / "crl.pem", dir_ / "hub/crl.pem"));
  for (const std::filesystem::path& path : written) {
    EXPECT_THAT(SerialsIn(path), ElementsAre("4002", "40ab")) << path;
  }
}

TEST_F(SharedListTest, TheOwnListIsFoundWhereverItStands) {
  const std::string others = List(others_, "40ab", 9).ToPem();
  const std::string own = List(ours_, "4001", 1).ToPem();
  const std::string newer = List(ours_, "4002", 2).ToPem();
  for (const std::string& text : {others + newer, newer + others,
                                  own + others + newer, newer + own + others}) {
    ASSERT_OK(WriteFileAtomic(dir_ / "crl.pem", text));
    ASSERT_OK_AND_ASSIGN(const auto list,
                         directory_.ReadRevocations(authority()));
    ASSERT_TRUE(list.has_value());
    EXPECT_EQ(list->Number(), 2);
  }
}

TEST_F(SharedListTest, WithoutOneOfItsOwnItIsAnErrorNotAnEmptyList) {
  ASSERT_OK_AND_ASSIGN(const auto none,
                       directory_.ReadRevocations(authority()));
  EXPECT_FALSE(none.has_value());
  ASSERT_OK(
      WriteFileAtomic(dir_ / "crl.pem", List(others_, "40ab", 9).ToPem()));
  EXPECT_THAT(directory_.ReadRevocations(authority()),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

// What is damaged in a copy must not keep a revocation from being written.
TEST_F(SharedListTest, ADamagedCopyIsReplacedByWhatCanBeRead) {
  const std::string others = List(others_, "40ab", 9).ToPem();
  ASSERT_OK(WriteFileAtomic(dir_ / "hub/crl.pem",
                            others + others.substr(0, others.size() / 2)));
  ASSERT_OK(directory_.WriteRevocations(authority(), List(ours_, "4001", 1)));
  EXPECT_THAT(SerialsIn(dir_ / "hub/crl.pem"), ElementsAre("4001", "40ab"));
}

}  // namespace
}  // namespace fedgap
