// An update's header as bytes, for a client's own disk.
#ifndef FEDGAP_COMMON_WIRE_UPDATE_BYTES_H_
#define FEDGAP_COMMON_WIRE_UPDATE_BYTES_H_

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/wire/update_wire.h"

namespace fedgap {

std::string SerializeHeader(const UpdateHeader& header);

// INVALID_ARGUMENT: no header, or one that FromProto refuses.
StatusOr<UpdateHeader> ParseHeader(std::string_view bytes);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_UPDATE_BYTES_H_
