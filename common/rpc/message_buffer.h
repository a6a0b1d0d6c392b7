// Messages whose largest field is sent from, and read, where it stands.
#ifndef FEDGAP_COMMON_RPC_MESSAGE_BUFFER_H_
#define FEDGAP_COMMON_RPC_MESSAGE_BUFFER_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <memory>
#include <span>

#include "common/base/byte_pieces.h"

namespace fedgap {

// The way to a field of type bytes: the numbers of the fields from the message
// on the wire to it. {2}: field 2 of the message; {2, 3}: field 3 of the
// message that is its field 2, and its only one.
using FieldPath = std::span<const int>;

// What the wire format has for the message of the field, `rest`, with the field
// set to `bytes`, in the messages of the path. The bytes are sent from where
// they stand, and `owner` keeps them there until they are; without an owner
// they are copied.
grpc::ByteBuffer MessageWithBytes(const google::protobuf::MessageLite& rest,
                                  FieldPath path,
                                  std::span<const std::uint8_t> bytes,
                                  std::shared_ptr<const void> owner);

// The other way: the message of the field but for the field, whose bytes stay
// where they are in `buffer`. False if the buffer holds something else than
// MessageWithBytes makes, in any order of fields: another or a second field on
// the path, a number in more bytes than it needs, or no message at all. What is
// set then is of no use; the message's own parser knows more.
bool SplitMessage(grpc::ByteBuffer& buffer, FieldPath path,
                  google::protobuf::MessageLite& rest, BytePieces& bytes);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_MESSAGE_BUFFER_H_
