// A configuration from outside never crashes the reader, and whatever is
// accepted survives being written and read again.
#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "common/config/run_config_toml.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = ParseRunConfig({"fuzz.toml", text, {}, {text}});
  const auto from_file = ParseRunConfig({"fuzz.toml", text, {}, {}});
  if (!from_file.ok()) {
    FEDGAP_CHECK(!config.ok());
    return 0;
  }
  const std::string written = ToToml(*from_file);
  const auto again = ParseRunConfig({"written.toml", written, {}, {}});
  FEDGAP_CHECK(again.ok());
  FEDGAP_CHECK(ToToml(*again) == written);
  return 0;
}

}  // namespace fedgap
