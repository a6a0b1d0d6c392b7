#include "common/crypto/private_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A P-256 key, PKCS #8, encrypted with a passphrase.
std::string EncryptedPem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  char passphrase[] = "x";
  PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), passphrase, 1,
                                nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

TEST(PrivateKeyTest, SurvivesPem) {
  for (const KeyAlgorithm algorithm :
       {KeyAlgorithm::kP256, KeyAlgorithm::kEd25519}) {
    const PrivateKey key = PrivateKey::Generate(algorithm);
    const std::string pem = key.ToPem();
    EXPECT_THAT(pem, StartsWith("-----BEGIN PRIVATE KEY-----"));
    ASSERT_OK_AND_ASSIGN(const PrivateKey read, PrivateKey::FromPem(pem));
    EXPECT_EQ(read.algorithm(), algorithm);
    EXPECT_EQ(read.ToPem(), pem);
  }
}

TEST(PrivateKeyTest, IsNewEachTime) {
  EXPECT_NE(PrivateKey::Generate(KeyAlgorithm::kP256).ToPem(),
            PrivateKey::Generate(KeyAlgorithm::kP256).ToPem());
}

TEST(PrivateKeyTest, RefusesTextWithoutAKey) {
  for (const char* text :
       {"", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n"}) {
    EXPECT_THAT(PrivateKey::FromPem(text),
                Fails(kInvalid, HasSubstr("private key")))
        << text;
  }
}

TEST(PrivateKeyTest, RefusesAnEncryptedKeyWithoutAsking) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kP256);
  EXPECT_THAT(PrivateKey::FromPem(EncryptedPem(key.handle())),
              Fails(kInvalid, HasSubstr("unencrypted")));
}

TEST(PrivateKeyTest, RefusesOtherAlgorithms) {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  EXPECT_THAT(PrivateKey::FromPem({text, static_cast<std::size_t>(size)}),
              Fails(kInvalid, HasSubstr("only P-256 and Ed25519")));
  BIO_free(bio);
  EVP_PKEY_free(key);
}

TEST(KeyAlgorithmTest, ParsesItsNames) {
  EXPECT_EQ(*ParseKeyAlgorithm("p256"), KeyAlgorithm::kP256);
  EXPECT_EQ(*ParseKeyAlgorithm("ed25519"), KeyAlgorithm::kEd25519);
  EXPECT_THAT(ParseKeyAlgorithm("ed25518"),
              Fails(kInvalid, HasSubstr("did you mean 'ed25519'")));
}

}  // namespace
}  // namespace fedgap
