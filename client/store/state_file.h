// The form of a client's files (file_client_store.h), as bytes. It is the
// program's own and may change between releases.
#ifndef FEDGAP_CLIENT_STORE_STATE_FILE_H_
#define FEDGAP_CLIENT_STORE_STATE_FILE_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/federation/update.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// Magic number, then sections of a length and bytes, then a checksum of all
// before it.
std::vector<std::uint8_t> EncodeStateFile(
    const std::vector<std::span<const std::uint8_t>>& sections);

// update.bin.
struct SavedUpdate {
  Update update;
  Parameters provisional;
};
std::vector<std::uint8_t> EncodeSavedUpdate(const Update& update,
                                            const Parameters& provisional);
// local.bin.
std::vector<std::uint8_t> EncodeLocalTensors(const Parameters& tensors);

// DATA_LOSS, naming `path`, for bytes that the functions above did not make.
// Safe on bytes from anywhere.
StatusOr<SavedUpdate> ParseSavedUpdate(std::span<const std::uint8_t> file,
                                       std::string_view path);
StatusOr<Parameters> ParseLocalTensors(std::span<const std::uint8_t> file,
                                       std::string_view path);

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_STORE_STATE_FILE_H_
