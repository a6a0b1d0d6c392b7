#include "common/wire/update_bytes.h"

#include <limits>

namespace fedgap {

std::string SerializeHeader(const UpdateHeader& header) {
  return ToProto(header).SerializeAsString();
}

StatusOr<UpdateHeader> ParseHeader(std::string_view bytes) {
  v1::UpdateHeader proto;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("the bytes are no update header");
  }
  return FromProto(proto);
}

}  // namespace fedgap
