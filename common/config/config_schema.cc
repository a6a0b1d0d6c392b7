#include "common/config/config_schema.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "common/base/check.h"
#include "common/base/did_you_mean.h"
#include "common/base/file_io.h"
#include "common/base/wrong_usage.h"
#include "common/config/toml_reader.h"

namespace fedgap {
namespace {

constexpr std::string_view kEnvironmentPrefix = "FEDGAP_";

// "training.epochs" -> "training"; "" for a name without a dot.
std::string_view SectionOf(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : name.substr(0, dot);
}

std::string_view LeafOf(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

bool IsAtOrBelow(std::string_view name, std::string_view section) {
  return name.starts_with(section) &&
         (name.size() == section.size() || name[section.size()] == '.');
}

// "FEDGAP_TRAINING__EPOCHS" -> "training.epochs".
std::string VariableOfKey(std::string_view key) {
  std::string variable(kEnvironmentPrefix);
  for (const char c : key) {
    if (c == '.') {
      variable += "__";
    } else {
      variable +=
          static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return variable;
}

std::string KeyOfVariable(std::string_view variable) {
  variable.remove_prefix(kEnvironmentPrefix.size());
  std::string key;
  while (!variable.empty()) {
    if (variable.starts_with("__")) {
      key += '.';
      variable.remove_prefix(2);
      continue;
    }
    key += static_cast<char>(
        std::tolower(static_cast<unsigned char>(variable.front())));
    variable.remove_prefix(1);
  }
  return key;
}

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (!text.starts_with(kEnvironmentPrefix) ||
        equals == std::string_view::npos) {
      continue;
    }
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

void Set(const ConfigKey& key, const ConfigValue& value, std::string_view where,
         std::vector<std::string>* errors) {
  const Status status = key.set(value);
  if (status.ok()) return;
  errors->push_back(fmt::format("{}: {} = {}: {}", where, key.name,
                                ToTomlText(value), MessageOf(status)));
}

std::string_view KindName(const ConfigKey& key) {
  switch (key.kind) {
    case ConfigKind::kSwitch:
      return key.list ? "list of true or false" : "true or false";
    case ConfigKind::kInteger:
      return key.list ? "list of integers" : "integer";
    case ConfigKind::kNumber:
      return key.list ? "list of numbers" : "number";
    case ConfigKind::kText:
      return key.list ? "list of texts" : "text";
  }
  return "";
}

}  // namespace

StatusOr<ConfigSources> ReadConfigSources(const std::filesystem::path& file,
                                          std::vector<std::string> overrides) {
  ConfigSources sources;
  if (!file.empty()) {
    sources.file_name = file.string();
    FEDGAP_ASSIGN_OR_RETURN(sources.file_text, ReadFileText(file));
  }
  sources.environment = ProcessEnvironment();
  sources.overrides = std::move(overrides);
  return sources;
}

ConfigSection ConfigSchema::Section(std::string_view name, std::string help) {
  FEDGAP_CHECK(!IsSection(name));
  sections_.push_back({std::string(name), std::move(help), {}});
  return ConfigSection(this, std::string(name));
}

void ConfigSchema::IgnoreSection(std::string_view name) {
  ignored_.emplace_back(name);
}

const ConfigKey* ConfigSchema::Find(std::string_view name) const {
  for (const SectionInfo& section : sections_) {
    for (const ConfigKey& key : section.keys) {
      if (key.name == name) return &key;
    }
  }
  return nullptr;
}

bool ConfigSchema::IsSection(std::string_view name) const {
  return std::ranges::any_of(sections_, [name](const SectionInfo& section) {
    return IsAtOrBelow(section.name, name);
  });
}

bool ConfigSchema::IsIgnored(std::string_view name) const {
  return std::ranges::any_of(ignored_, [&](const std::string& section) {
    return IsAtOrBelow(name, section) && !IsSection(section);
  });
}

std::string ConfigSchema::UnknownKey(std::string_view name) const {
  std::vector<std::string> siblings;
  const ConfigKey* elsewhere = nullptr;
  for (const SectionInfo& section : sections_) {
    for (const ConfigKey& key : section.keys) {
      if (section.name == SectionOf(name)) siblings.push_back(key.name);
      if (LeafOf(key.name) == LeafOf(name)) elsewhere = &key;
    }
  }
  std::vector<std::string> leaves;
  for (const std::string& key : siblings) leaves.emplace_back(LeafOf(key));
  std::string hint = DidYouMean(LeafOf(name), leaves);
  if (hint.empty() && elsewhere != nullptr) {
    hint = fmt::format("; did you mean '{}'?", elsewhere->name);
  }
  if (hint.empty() && !siblings.empty()) {
    hint =
        fmt::format("; [{}] has {}", SectionOf(name), fmt::join(leaves, ", "));
  }
  return fmt::format("unknown key '{}'{}", name, hint);
}

std::string ConfigSchema::UnknownSection(std::string_view name) const {
  std::vector<std::string> names;
  for (const SectionInfo& section : sections_) names.push_back(section.name);
  std::string hint = DidYouMean(name, names);
  if (hint.empty()) hint = fmt::format("; known: {}", fmt::join(names, ", "));
  return fmt::format("unknown section [{}]{}", name, hint);
}

void ConfigSchema::LoadFile(const ConfigSources& sources,
                            std::vector<std::string>* errors) {
  auto entries = ReadToml(sources.file_name, sources.file_text);
  if (!entries.ok()) {
    errors->push_back(MessageOf(entries.status()));
    return;
  }
  // In the order of the file, which toml++ does not keep.
  std::ranges::stable_sort(*entries, {}, [](const TomlEntry& entry) {
    return std::pair(entry.key_place.line, entry.key_place.column);
  });
  std::vector<std::string> unknown;  // sections, each reported once
  for (const TomlEntry& entry : *entries) {
    const auto at = [&sources](TomlPlace place) {
      return fmt::format("{}:{}:{}", sources.file_name, place.line,
                         place.column);
    };
    const bool reported = std::ranges::any_of(
        unknown,
        [&](const std::string& u) { return IsAtOrBelow(entry.name, u); });
    if (reported || IsIgnored(entry.name)) continue;
    const ConfigKey* key = Find(entry.name);
    if (entry.table && IsSection(entry.name)) continue;
    if (entry.table && key == nullptr) {
      unknown.push_back(entry.name);
      errors->push_back(fmt::format("{}: {}", at(entry.key_place),
                                    UnknownSection(entry.name)));
    } else if (key == nullptr) {
      errors->push_back(
          fmt::format("{}: {}", at(entry.key_place), UnknownKey(entry.name)));
    } else if (entry.table) {
      errors->push_back(fmt::format("{}: {} is a key, not a section",
                                    at(entry.key_place), entry.name));
      unknown.push_back(entry.name);
    } else if (!entry.value.ok()) {
      errors->push_back(fmt::format("{}: {}: {}", at(entry.value_place),
                                    entry.name,
                                    MessageOf(entry.value.status())));
    } else {
      Set(*key, *entry.value, at(entry.value_place), errors);
    }
  }
}

void ConfigSchema::LoadText(std::string_view where, std::string_view name,
                            std::string_view text,
                            std::vector<std::string>* errors) {
  if (IsIgnored(name)) return;
  const ConfigKey* key = Find(name);
  if (key == nullptr) {
    errors->push_back(fmt::format("{}: {}", where, UnknownKey(name)));
    return;
  }
  Set(*key, ParseConfigText(key->kind, key->list, text), where, errors);
}

std::vector<const ConfigKey*> ConfigSchema::Keys(
    std::string_view section) const {
  std::vector<const ConfigKey*> keys;
  for (const SectionInfo& info : sections_) {
    if (info.name != section) continue;
    for (const ConfigKey& key : info.keys) keys.push_back(&key);
  }
  return keys;
}

void ConfigSchema::LoadVariable(std::string_view variable,
                                std::string_view text,
                                std::vector<std::string>* errors) {
  if (!variable.starts_with(kEnvironmentPrefix)) return;
  const std::string name = KeyOfVariable(variable);
  const std::string where = fmt::format("environment variable {}", variable);
  if (name.find('.') != std::string::npos) {
    LoadText(where, name, text, errors);
    return;
  }
  // Other programs may have theirs; one underscore too few is a mistake.
  for (const SectionInfo& section : sections_) {
    for (const ConfigKey& key : section.keys) {
      std::string joined = key.name;
      std::ranges::replace(joined, '.', '_');
      if (joined != name) continue;
      errors->push_back(
          fmt::format("{}: did you mean {}?", where, VariableOfKey(key.name)));
    }
  }
}

void ConfigSchema::LoadOverride(std::string_view text,
                                std::vector<std::string>* errors) {
  const std::string where = fmt::format("--set {}", text);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    errors->push_back(
        fmt::format("{}: must be key=value, such as training.epochs=2", where));
    return;
  }
  const std::string_view key = text.substr(0, equals);
  if (!IsIgnored(key)) {
    LoadText(where, key, text.substr(equals + 1), errors);
    return;
  }
  // A file may be shared by programs; what is said to this one must be its.
  std::vector<std::string> names;
  for (const SectionInfo& section : sections_) {
    names.push_back(fmt::format("[{}]", section.name));
  }
  errors->push_back(
      fmt::format("{}: this program has no such setting; it takes those of {}",
                  where, fmt::join(names, ", ")));
}

Status ConfigSchema::Load(const ConfigSources& sources) {
  std::vector<std::string> errors;
  LoadFile(sources, &errors);
  for (const auto& [variable, text] : sources.environment) {
    LoadVariable(variable, text, &errors);
  }
  for (const std::string& text : sources.overrides) {
    LoadOverride(text, &errors);
  }
  if (errors.empty()) return absl::OkStatus();
  return WrongUsage(fmt::format("{}", fmt::join(errors, "\n")));
}

std::string ConfigSchema::ToToml() const {
  std::string text;
  for (const SectionInfo& section : sections_) {
    text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section.name);
    for (const ConfigKey& key : section.keys) {
      text += fmt::format("{} = {}\n", LeafOf(key.name), ToTomlText(key.get()));
    }
  }
  return text;
}

std::string ConfigSchema::Reference() const {
  std::string text;
  for (const SectionInfo& section : sections_) {
    text += fmt::format(
        "{}### [{}]\n\n{}\n\n| key | type | default | allowed | meaning |\n"
        "|---|---|---|---|---|\n",
        text.empty() ? "" : "\n", section.name, section.help);
    for (const ConfigKey& key : section.keys) {
      text += fmt::format("| `{}` | {} | `{}` | {} | {} |\n", LeafOf(key.name),
                          KindName(key), ToTomlText(key.get()), key.range,
                          key.help);
    }
  }
  return text;
}

}  // namespace fedgap
