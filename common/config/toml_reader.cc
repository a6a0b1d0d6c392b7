#include "common/config/toml_reader.h"

#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace fedgap {
namespace {

TomlPlace PlaceOf(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

StatusOr<ConfigValue> Convert(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return ConfigValue{value->get()};
  if (const auto* value = node.as_integer()) return ConfigValue{value->get()};
  if (const auto* value = node.as_floating_point()) {
    return ConfigValue{value->get()};
  }
  if (const auto* value = node.as_string()) return ConfigValue{value->get()};
  const auto* array = node.as_array();
  if (array == nullptr) {
    return absl::InvalidArgumentError(
        "dates, times and tables are no values here; give a number, true or "
        "false, a \"text\" or a [list]");
  }
  ConfigList list;
  for (const toml::node& item : *array) {
    FEDGAP_ASSIGN_OR_RETURN(ConfigValue value, Convert(item));
    list.push_back(std::move(value));
  }
  return ConfigValue{std::move(list)};
}

void Flatten(const toml::table& table, const std::string& prefix,
             std::vector<TomlEntry>* entries) {
  for (const auto& [key, node] : table) {
    TomlEntry entry;
    entry.name = prefix + std::string(key.str());
    entry.key_place = PlaceOf(key.source());
    entry.value_place = PlaceOf(node.source());
    const toml::table* inner = node.as_table();
    entry.table = inner != nullptr;
    if (!entry.table) entry.value = Convert(node);
    const std::string below = entry.name + ".";
    entries->push_back(std::move(entry));
    if (inner != nullptr) Flatten(*inner, below, entries);
  }
}

}  // namespace

StatusOr<std::vector<TomlEntry>> ReadToml(const std::string& file_name,
                                          std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return absl::InvalidArgumentError(
        fmt::format("{}:{}:{}: {}", file_name, error.source().begin.line,
                    error.source().begin.column, error.description()));
  }
  std::vector<TomlEntry> entries;
  Flatten(parsed.table(), "", &entries);
  return entries;
}

}  // namespace fedgap
