// Messages that are sent without a copy of their largest field.
#ifndef FEDGAP_COMMON_RPC_MESSAGE_BUFFER_H_
#define FEDGAP_COMMON_RPC_MESSAGE_BUFFER_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <memory>
#include <span>

namespace fedgap {

// What the wire format has for `rest` with its field number `field`, of type
// bytes, set to `bytes`: the field's bytes are sent from where they stand, and
// `owner` keeps them there until they are.
grpc::ByteBuffer MessageWithBytes(const google::protobuf::MessageLite& rest,
                                  int field,
                                  std::span<const std::uint8_t> bytes,
                                  std::shared_ptr<const void> owner);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_MESSAGE_BUFFER_H_
