// Two configurations key by key.
#ifndef FEDGAP_CLI_CONFIG_LINES_H_
#define FEDGAP_CLI_CONFIG_LINES_H_

#include <map>
#include <string>
#include <string_view>

namespace fedgap {

// "training.epochs" -> "2", of a configuration as a run writes it: [section]
// lines and one line a key. Keys of tables inside arrays are left out.
std::map<std::string, std::string> ConfigKeys(std::string_view toml);

}  // namespace fedgap

#endif  // FEDGAP_CLI_CONFIG_LINES_H_
