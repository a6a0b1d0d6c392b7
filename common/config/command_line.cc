#include "common/config/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace fedgap {
namespace {

constexpr std::string_view kOneOf = "one of ";  // before a key's choices

std::string FlagName(std::string_view section, const ConfigKey& key) {
  std::string name = "--" + key.name.substr(section.size() + 1);
  std::ranges::replace(name, '_', '-');
  return name;
}

std::string FlagHelp(const ConfigKey& key) {
  std::string help = key.help;
  // Choices stand where the value's name does.
  const bool is_choice = key.range.starts_with(kOneOf);
  if (!key.range.empty() && !is_choice) help += " (" + key.range + ")";
  return help;
}

// What --help calls the value, and what completes it (common/usage).
std::string ValueName(const ConfigKey& key) {
  if (key.range.starts_with(kOneOf)) {
    std::string choices = key.range.substr(kOneOf.size());
    std::erase(choices, ' ');
    std::ranges::replace(choices, ',', '|');
    return choices;
  }
  if (key.kind == ConfigKind::kInteger) return "INT";
  if (key.kind == ConfigKind::kNumber) return "NUMBER";
  if (key.name.ends_with("_dir") || key.name.ends_with(".certs")) return "DIR";
  if (key.name.ends_with("_file")) return "FILE";
  return key.name.ends_with(".data") ? "DATA" : "TEXT";
}

}  // namespace

void AddSectionFlags(const ConfigSchema& schema, std::string_view section,
                     CLI::App& app, std::vector<std::string>& overrides) {
  for (const ConfigKey* key : schema.Keys(section)) {
    const std::string flag = FlagName(section, *key);
    if (key->kind == ConfigKind::kSwitch) {
      app.add_flag_callback(
          flag, [key, &overrides] { overrides.push_back(key->name + "=true"); },
          FlagHelp(*key));
      continue;
    }
    app.add_option_function<std::string>(
           flag,
           [key, &overrides](const std::string& text) {
             overrides.push_back(key->name + "=" + text);
           },
           FlagHelp(*key))
        ->type_name(ValueName(*key));
  }
}

void AddConfigFlags(CLI::App& app, std::string& file,
                    std::vector<std::string>& overrides) {
  app.add_option("--config", file, "The configuration, a TOML file")
      ->type_name("FILE");
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&overrides](const std::vector<std::string>& settings) {
           overrides.insert(overrides.end(), settings.begin(), settings.end());
         },
         "Set one key of the configuration, e.g. --set training.epochs=2")
      ->type_name("KEY=VALUE");
}

}  // namespace fedgap
