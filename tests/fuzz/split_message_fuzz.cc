// A message that is split holds what its generated parser finds in it, and what
// a writer of chunks makes is split. The input is the message; its first byte
// says how long the slices are in which it comes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/rpc/message_buffer.h"
#include "fedgap/v1/federation.pb.h"
#include "tests/testing/joined.h"

namespace fedgap {
namespace {

constexpr std::array kPath = {int{v1::SubmitRequest::kChunkFieldNumber},
                              int{v1::UpdateChunk::kDataFieldNumber}};

grpc::ByteBuffer InSlices(std::string_view text, std::size_t length) {
  std::vector<grpc::Slice> slices;
  while (!text.empty()) {
    slices.emplace_back(std::string(text.substr(0, length)));
    text.remove_prefix(std::min(length, text.size()));
  }
  return {slices.data(), slices.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::size_t length = std::size_t{1} + data[0];
  const std::string_view text(reinterpret_cast<const char*>(data + 1),
                              size - 1);
  v1::SubmitRequest message;
  const bool parsed =
      message.ParseFromArray(text.data(), static_cast<int>(text.size()));
  v1::UpdateChunk rest;
  BytePieces bytes;
  grpc::ByteBuffer buffer = InSlices(text, length);
  if (SplitMessage(buffer, kPath, rest, bytes)) {
    FEDGAP_CHECK(parsed && message.has_chunk());
    rest.set_data(Joined(bytes));
    FEDGAP_CHECK(rest.SerializeAsString() ==
                 message.chunk().SerializeAsString());
  }
  if (!parsed || message.chunk().data().empty()) return 0;
  rest = message.chunk();
  rest.clear_data();
  const std::string& sent = message.chunk().data();
  grpc::ByteBuffer again = MessageWithBytes(
      rest, kPath,
      {reinterpret_cast<const std::uint8_t*>(sent.data()), sent.size()},
      /*owner=*/nullptr);
  v1::UpdateChunk other;
  FEDGAP_CHECK(SplitMessage(again, kPath, other, bytes));
  FEDGAP_CHECK(Joined(bytes) == sent);
  FEDGAP_CHECK(other.SerializeAsString() == rest.SerializeAsString());
  return 0;
}

}  // namespace fedgap
