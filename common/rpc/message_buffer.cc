#include "common/rpc/message_buffer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <array>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

using google::protobuf::internal::WireFormatLite;
using Owner = std::shared_ptr<const void>;

// A slice whose end lets go of `owner`.
grpc::Slice Borrow(std::span<const std::uint8_t> bytes, Owner owner) {
  auto* const kept = new Owner(std::move(owner));
  // gRPC does not write into what it sends.
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size(),
          [](void* data) { delete static_cast<Owner*>(data); }, kept};
}

}  // namespace

grpc::ByteBuffer MessageWithBytes(const google::protobuf::MessageLite& rest,
                                  int field,
                                  std::span<const std::uint8_t> bytes,
                                  std::shared_ptr<const void> owner) {
  std::string head;
  {
    google::protobuf::io::StringOutputStream stream(&head);
    google::protobuf::io::CodedOutputStream out(&stream);
    FEDGAP_CHECK(rest.SerializeToCodedStream(&out));
    out.WriteTag(WireFormatLite::MakeTag(
        field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
    out.WriteVarint32(static_cast<std::uint32_t>(bytes.size()));
  }
  const std::array slices = {grpc::Slice(head),
                             Borrow(bytes, std::move(owner))};
  return {slices.data(), slices.size()};
}

}  // namespace fedgap
