#include "common/rpc/message_buffer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

using google::protobuf::MessageLite;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;
using Owner = std::shared_ptr<const void>;

std::uint32_t TagOf(int field) {
  return WireFormatLite::MakeTag(field,
                                 WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

// A slice whose end lets go of `owner`.
grpc::Slice Borrow(std::span<const std::uint8_t> bytes, Owner owner) {
  auto* const kept = new Owner(std::move(owner));
  // gRPC does not write into what it sends.
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size(),
          [](void* data) { delete static_cast<Owner*>(data); }, kept};
}

// The tag and the length of a field that goes on for `length` bytes.
std::string FieldHead(int field, std::size_t length) {
  std::string head;
  StringOutputStream stream(&head);
  CodedOutputStream out(&stream);
  out.WriteTag(TagOf(field));
  out.WriteVarint32(static_cast<std::uint32_t>(length));
  return head;
}

// The next `length` bytes, from where the stream has them.
bool ReadInPlace(CodedInputStream& in, std::uint32_t length,
                 BytePieces& bytes) {
  auto left = static_cast<std::int64_t>(length);
  while (left > 0) {
    const void* data = nullptr;
    int size = 0;
    if (!in.GetDirectBufferPointer(&data, &size)) return false;
    const auto taken = static_cast<int>(std::min<std::int64_t>(size, left));
    bytes.Add({static_cast<const std::uint8_t*>(data),
               static_cast<std::size_t>(taken)});
    if (!in.Skip(taken)) return false;
    left -= taken;
  }
  return true;
}

// The message to its end: `field` in place, the others as they are. Only in the
// shortest form of every tag and length, which is what writers make: the
// generated parser has rules of its own for others.
bool SplitFields(CodedInputStream& in, int field, MessageLite& rest,
                 BytePieces& bytes) {
  std::string others;
  const int begin = in.CurrentPosition();
  {
    StringOutputStream stream(&others);
    CodedOutputStream out(&stream);
    bool found = false;
    while (const std::uint32_t tag = in.ReadTag()) {
      if (tag != TagOf(field)) {
        if (!WireFormatLite::SkipField(&in, tag, &out)) return false;
        continue;
      }
      std::uint32_t length = 0;
      if (found || !in.ReadVarint32(&length) ||
          !ReadInPlace(in, length, bytes)) {
        return false;
      }
      found = true;
    }
    if (!found || !in.ConsumedEntireMessage()) return false;
  }
  const auto size = static_cast<std::size_t>(bytes.size());
  if (static_cast<std::size_t>(in.CurrentPosition() - begin) !=
      others.size() + FieldHead(field, size).size() + size) {
    return false;
  }
  return rest.ParseFromString(others);
}

}  // namespace

grpc::ByteBuffer MessageWithBytes(const MessageLite& rest, FieldPath path,
                                  std::span<const std::uint8_t> bytes,
                                  std::shared_ptr<const void> owner) {
  FEDGAP_CHECK(!path.empty());
  // From the bytes outwards.
  std::string head =
      rest.SerializeAsString() + FieldHead(path.back(), bytes.size());
  for (std::size_t outer = path.size() - 1; outer > 0; --outer) {
    head.insert(0, FieldHead(path[outer - 1], head.size() + bytes.size()));
  }
  const std::array slices = {grpc::Slice(head),
                             owner == nullptr
                                 ? grpc::Slice(bytes.data(), bytes.size())
                                 : Borrow(bytes, std::move(owner))};
  return {slices.data(), slices.size()};
}

bool SplitMessage(grpc::ByteBuffer& buffer, FieldPath path, MessageLite& rest,
                  BytePieces& bytes) {
  FEDGAP_CHECK(!path.empty());
  bytes = {};
  grpc::ProtoBufferReader reader(&buffer);
  if (!reader.status().ok()) return false;
  CodedInputStream in(&reader);
  in.SetRecursionLimit(CodedInputStream::GetDefaultRecursionLimit() -
                       static_cast<int>(path.size()));
  std::size_t left = buffer.Length();
  for (const int field : path.first(path.size() - 1)) {
    std::uint32_t length = 0;
    const int before = in.CurrentPosition();
    if (in.ReadTag() != TagOf(field) || !in.ReadVarint32(&length)) {
      return false;
    }
    const auto head = static_cast<std::size_t>(in.CurrentPosition() - before);
    left -= head;
    // It goes on to the end.
    if (length != left || head != FieldHead(field, length).size()) return false;
  }
  return SplitFields(in, path.back(), rest, bytes);
}

}  // namespace fedgap
