// Messages from outside never crash the conversion, and whatever is accepted
// survives being written and read again. The first byte chooses the message.
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "common/base/printable_text.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "common/wire/model_spec_wire.h"
#include "common/wire/run_status_wire.h"
#include "common/wire/task_wire.h"
#include "common/wire/update_bytes.h"
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

// A message of the stream of tasks.
void ReadTasksReply(const std::uint8_t* data, std::size_t size) {
  v1::TasksReply message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return;
  FromProto(message).IgnoreError();
}

// What calls carry beside their messages.
void ReadNames(const std::string& text) {
  if (const auto id = TaskIdFromProto(text, /*allow_empty=*/true); id.ok()) {
    FEDGAP_CHECK(IsPrintableUtf8(id->value));
  }
  if (const auto id = ModelIdFromProto(text); id.ok()) {
    FEDGAP_CHECK(ModelIdToProto(*id) == text);
  }
  if (const auto reason = ReasonFromProto(text); reason.ok()) {
    FEDGAP_CHECK(IsPrintableUtf8(*reason));
    FEDGAP_CHECK(ReasonToProto(*reason) == *reason);
  }
  FEDGAP_CHECK(ReasonFromProto(ReasonToProto(text)).ok());
  if (const auto name = ParseClientName(text); name.ok()) {
    FEDGAP_CHECK(IsPrintableUtf8(name->value));
  }
}

// Pages of clients, each after the last name of the one before, have them all.
void ReadClientsRequest(const std::uint8_t* data, std::size_t size) {
  v1::ClientsRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return;
  RunStatus status;
  for (int i = 100; i < 120; ++i) {
    status.clients.push_back({.client = {fmt::format("c{}", i)}});
  }
  std::string last = request.after();
  for (bool more = true; more;) {
    request.set_after(last);
    const v1::ClientsReply page = ClientsPage(status, request);
    more = page.more();
    FEDGAP_CHECK(!more || page.clients_size() > 0);
    for (const v1::ClientStatus& client : page.clients()) {
      FEDGAP_CHECK(client.client() > last);
      last = client.client();
    }
  }
  FEDGAP_CHECK(last >= "c119");
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
    case 'l':
      RoundTrip<v1::ClientStatus>(rest, size - 1);
      break;
    case 'p':
      ReadTasksReply(rest, size - 1);
      break;
    case 'n':
      ReadNames({reinterpret_cast<const char*>(rest), size - 1});
      break;
    case 'k':
      ReadClientsRequest(rest, size - 1);
      break;
    case 'h':
      ParseHeader({reinterpret_cast<const char*>(rest), size - 1})
          .IgnoreError();
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
