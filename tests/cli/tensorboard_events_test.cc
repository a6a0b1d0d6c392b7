#include "cli/tensorboard_events.h"

#include <gtest/gtest.h>

#include <string>

namespace fedgap {
namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// RFC 3720, appendix B.4, and the check value of the CRC catalogues.
TEST(Crc32cTest, AgreesWithPublishedVectors) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(Crc32c(""), 0U);
}

// The bytes that every event file of TensorFlow's begins with: a record of 24
// bytes, the masked CRC of that length, an Event with a time and the version.
TEST(TensorboardEventsTest, BeginsAsTensorFlowsFilesDo) {
  const std::string header = TensorboardHeader(1.0);
  EXPECT_EQ(header.substr(0, 12), FromHex("1800000000000000a37f4b22"));
  EXPECT_EQ(header.substr(12, 24),
            FromHex("09000000000000f03f1a0d") + "brain.Event:2");
  EXPECT_EQ(header.size(), 40U);
}

TEST(TensorboardEventsTest, WritesEachFieldInItsWireForm) {
  const std::string record =
      TensorboardEvent(0.5, 300, {{"a/b", 0.25F}, {"c", -1.0F}});
  const std::string value_one = FromHex("0a03") + "a/b" + FromHex("150000803e");
  const std::string value_two = FromHex("0a01") + "c" + FromHex("15000080bf");
  const std::string event = FromHex("09000000000000e03f") +  // wall time
                            FromHex("10ac02") +              // step 300
                            FromHex("2a16") +                // summary
                            FromHex("0a0a") + value_one + FromHex("0a08") +
                            value_two;
  EXPECT_EQ(record, ToTfRecord(event));
}

TEST(TensorboardEventsTest, FramesAnEmptyRecord) {
  EXPECT_EQ(ToTfRecord("").size(), 16U);
}

}  // namespace
}  // namespace fedgap
