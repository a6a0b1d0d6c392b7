// Private to common/config: the only file behind which toml++ stands.
#ifndef FEDGAP_COMMON_CONFIG_TOML_READER_H_
#define FEDGAP_COMMON_CONFIG_TOML_READER_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/config/config_value.h"

namespace fedgap {

struct TomlPlace {
  unsigned line = 0;
  unsigned column = 0;
};

// A table or a value of a TOML text.
struct TomlEntry {
  std::string name;  // dotted path
  bool table = false;
  TomlPlace key_place;
  TomlPlace value_place;
  // INVALID_ARGUMENT for a date, a time, or a table in a list: no key of ours
  // takes one.
  StatusOr<ConfigValue> value = ConfigValue{};
};

// Tables before what they hold. INVALID_ARGUMENT for what is no TOML,
// beginning with "file_name:line:column: ".
StatusOr<std::vector<TomlEntry>> ReadToml(const std::string& file_name,
                                          std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CONFIG_TOML_READER_H_
