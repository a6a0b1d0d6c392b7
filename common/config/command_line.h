// Flags made from the declaration of a section's keys.
#ifndef FEDGAP_COMMON_CONFIG_COMMAND_LINE_H_
#define FEDGAP_COMMON_CONFIG_COMMAND_LINE_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/config/config_schema.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}  // namespace CLI

namespace fedgap {

// Gives every key of `section` a flag: "client.state_dir" becomes --state-dir,
// with the key's help and range in --help; a switch takes no value, that of a
// choice is called by the choices ("a|b"), that of a path FILE or DIR.
// When the command line is parsed, what was given is appended to `overrides`
// ("client.state_dir=..."), for ConfigSources. `schema` and `overrides` must
// outlive the parse.
void AddSectionFlags(const ConfigSchema& schema, std::string_view section,
                     CLI::App& app, std::vector<std::string>& overrides);

// --config FILE and --set KEY=VALUE (repeatable), the flags that every program
// with a configuration has.
void AddConfigFlags(CLI::App& app, std::string& file,
                    std::vector<std::string>& overrides);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CONFIG_COMMAND_LINE_H_
