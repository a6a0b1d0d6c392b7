// Configurations declared once: a schema binds dotted keys to the fields of
// structs and from that one declaration reads files, environment and flags,
// writes the effective configuration and documents every key.
//
//   ServerOptions options;
//   ConfigSchema schema;
//   schema.Section("server", "Where the server listens.")
//       .Text("listen", &options.listen, "address:port")
//       .Integer("threads", &options.threads, ConfigRange::AtLeast(1), "...");
//   FEDGAP_RETURN_IF_ERROR(schema.Load(sources));
#ifndef FEDGAP_COMMON_CONFIG_CONFIG_SCHEMA_H_
#define FEDGAP_COMMON_CONFIG_CONFIG_SCHEMA_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/config/config_value.h"

namespace fedgap {

// One key. What a default is: the field's value before Load.
struct ConfigKey {
  std::string name;  // dotted: "cohort.fraction"
  ConfigKind kind = ConfigKind::kText;
  bool list = false;
  std::string range;  // "in (0, 1]", "one of client, group"; "" for any
  std::string help;
  // Stores a value; the error says what it must be: "must be in (0, 1]".
  std::function<Status(const ConfigValue&)> set;
  std::function<ConfigValue()> get;
};

// Where a configuration comes from; a later one wins over an earlier one.
struct ConfigSources {
  std::string file_name;  // for messages
  std::string file_text;  // TOML
  // FEDGAP_TRAINING__EPOCHS=2 sets training.epochs; names without "__" are
  // not configuration.
  std::map<std::string, std::string> environment;
  std::vector<std::string> overrides;  // "training.epochs=2", of --set
};

// Reads the file (none if the path is empty) and this process's environment.
// The errors of ReadFileText.
StatusOr<ConfigSources> ReadConfigSources(const std::filesystem::path& file,
                                          std::vector<std::string> overrides);

class ConfigSchema;

// Declares the keys of one section. A handle: the schema must outlive it.
class ConfigSection {
 public:
  ConfigSection& Integer(std::string_view name, int* field, ConfigRange range,
                         std::string help);
  ConfigSection& Integer(std::string_view name, std::int64_t* field,
                         ConfigRange range, std::string help);
  // Up to 2^63 - 1, TOML's largest.
  ConfigSection& Integer(std::string_view name, std::uint64_t* field,
                         ConfigRange range, std::string help);
  ConfigSection& Number(std::string_view name, double* field, ConfigRange range,
                        std::string help);
  ConfigSection& Switch(std::string_view name, bool* field, std::string help);
  ConfigSection& Text(std::string_view name, std::string* field,
                      std::string help);
  ConfigSection& Numbers(std::string_view name, std::vector<double>* field,
                         ConfigRange range, std::string help);
  ConfigSection& Texts(std::string_view name, std::vector<std::string>* field,
                       std::string help);
  // One of the names that ToString gives the enum's values.
  template <typename Enum>
  ConfigSection& Choice(std::string_view name, Enum* field,
                        const std::vector<Enum>& values, std::string help) {
    std::vector<std::string> names;
    for (const Enum value : values) names.emplace_back(ToString(value));
    return Choice(
        name, std::move(names), std::move(help),
        [field, values](std::size_t index) { *field = values[index]; },
        [field] { return std::string(ToString(*field)); });
  }
  ConfigSection& Choice(std::string_view name, std::string* field,
                        const std::vector<std::string>& names,
                        std::string help);
  // Any other key, its name relative to the section.
  ConfigSection& Add(ConfigKey key);

 private:
  friend class ConfigSchema;
  ConfigSection(ConfigSchema* schema, std::string name)
      : schema_(schema), name_(std::move(name)) {}
  ConfigSection& Choice(std::string_view name, std::vector<std::string> names,
                        std::string help, std::function<void(std::size_t)> set,
                        std::function<std::string()> get);

  ConfigSchema* schema_;
  std::string name_;
};

// Not thread-safe. Every bound field must outlive the schema.
class ConfigSchema {
 public:
  ConfigSchema() = default;
  ConfigSchema(const ConfigSchema&) = delete;
  ConfigSchema& operator=(const ConfigSchema&) = delete;

  // Begins a section; documented in the order of declaration.
  ConfigSection Section(std::string_view name, std::string help);
  // A section of another program that may share the file or the environment:
  // passed over there unless it is declared too, refused as an override.
  void IgnoreSection(std::string_view name);

  // The declared keys of a section, in order; empty if there is no such one.
  std::vector<const ConfigKey*> Keys(std::string_view section) const;

  // Sets the bound fields: flags win over the environment, that over the file,
  // that over the defaults. WrongUsage lists every mistake, one a line,
  // with its place and the way out ("run.toml:3:12: cohort.fraction = 1.5:
  // must be in (0, 1]"); the fields then hold a part of the configuration.
  Status Load(const ConfigSources& sources);

  // Every key with its current value; Load of it changes nothing.
  std::string ToToml() const;
  // Markdown: a heading and a table of keys for each section, the current
  // values as the defaults.
  std::string Reference() const;

 private:
  friend class ConfigSection;
  struct SectionInfo {
    std::string name;
    std::string help;
    std::vector<ConfigKey> keys;
  };

  const ConfigKey* Find(std::string_view name) const;
  bool IsSection(std::string_view name) const;
  bool IsIgnored(std::string_view name) const;
  std::string UnknownKey(std::string_view name) const;
  std::string UnknownSection(std::string_view name) const;
  void LoadFile(const ConfigSources& sources, std::vector<std::string>* errors);
  void LoadVariable(std::string_view variable, std::string_view text,
                    std::vector<std::string>* errors);
  void LoadOverride(std::string_view text, std::vector<std::string>* errors);
  // Sets key `name` to what `text` says; `where` begins the messages.
  void LoadText(std::string_view where, std::string_view name,
                std::string_view text, std::vector<std::string>* errors);

  std::vector<SectionInfo> sections_;
  std::vector<std::string> ignored_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CONFIG_CONFIG_SCHEMA_H_
