// Messages from outside never crash the conversion, and whatever is accepted
// survives being written and read again. The first byte chooses the message.
#include <cstdint>

#include "common/base/check.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "common/wire/model_spec_wire.h"
#include "common/wire/run_status_wire.h"
#include "common/wire/task_wire.h"
#include "common/wire/update_wire.h"

namespace fedgap {
namespace {

template <typename Message>
void RoundTrip(const std::uint8_t* data, std::size_t size) {
  Message message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return;
  const auto value = FromProto(message);
  if (!value.ok()) return;
  const auto again = FromProto(ToProto(*value));
  FEDGAP_CHECK(again.ok());
  FEDGAP_CHECK(*again == *value);
}

// Chunks are views into their message: read only.
template <typename Message>
void Read(const std::uint8_t* data, std::size_t size) {
  Message message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return;
  const auto value = FromProto(message);
  FEDGAP_CHECK(!value.ok() || !value->bytes.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t* rest = data + 1;
  switch (data[0]) {
    case 'm':
      RoundTrip<v1::ModelSpec>(rest, size - 1);
      break;
    case 't':
      RoundTrip<v1::Task>(rest, size - 1);
      break;
    case 'u':
      RoundTrip<v1::UpdateHeader>(rest, size - 1);
      break;
    case 'q':
      RoundTrip<v1::JoinRequest>(rest, size - 1);
      break;
    case 'r':
      RoundTrip<v1::JoinReply>(rest, size - 1);
      break;
    case 's':
      RoundTrip<v1::RunStatus>(rest, size - 1);
      break;
    case 'c':
      Read<v1::UpdateChunk>(rest, size - 1);
      break;
    case 'd':
      Read<v1::ModelChunk>(rest, size - 1);
      break;
    default:
      break;
  }
  return 0;
}

}  // namespace fedgap
