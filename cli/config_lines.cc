#include "cli/config_lines.h"

#include <algorithm>

namespace fedgap {

std::map<std::string, std::string> ConfigKeys(std::string_view toml) {
  std::map<std::string, std::string> keys;
  std::string section;
  while (!toml.empty()) {
    const auto end = std::min(toml.find('\n'), toml.size());
    const std::string_view line = toml.substr(0, end);
    toml.remove_prefix(std::min(end + 1, toml.size()));
    const auto equals = line.find(" = ");
    if (line.starts_with('[') && line.ends_with(']')) {
      section = std::string(line.substr(1, line.size() - 2)) + ".";
    } else if (equals != line.npos) {
      keys[section + std::string(line.substr(0, equals))] =
          line.substr(equals + 3);
    }
  }
  return keys;
}

}  // namespace fedgap
