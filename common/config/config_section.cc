#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/did_you_mean.h"
#include "common/config/config_schema.h"

namespace fedgap {
namespace {

Status MustBe(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("must be {}", what));
}

StatusOr<double> ToNumber(const ConfigValue& value, const ConfigRange& range) {
  double number = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value.data)) {
    number = static_cast<double>(*integer);
  } else if (const auto* real = std::get_if<double>(&value.data)) {
    number = *real;
  } else {
    return MustBe("a number");
  }
  if (range.Contains(number)) return number;
  const std::string allowed = range.ToString();
  return MustBe(allowed.empty() ? "a finite number" : allowed);
}

template <typename T>
ConfigKey IntegerKey(std::string_view name, T* field, ConfigRange range,
                     std::string help) {
  ConfigKey key;
  key.name = name;
  key.kind = ConfigKind::kInteger;
  key.range = range.ToString();
  key.help = std::move(help);
  key.set = [field, range](const ConfigValue& value) -> Status {
    const auto* integer = std::get_if<std::int64_t>(&value.data);
    if (integer == nullptr) return MustBe("an integer");
    FEDGAP_RETURN_IF_ERROR(ToNumber(value, range).status());
    if (!std::in_range<T>(*integer)) {
      return MustBe(fmt::format("at most {}", std::numeric_limits<T>::max()));
    }
    *field = static_cast<T>(*integer);
    return absl::OkStatus();
  };
  key.get = [field] { return ConfigValue{static_cast<std::int64_t>(*field)}; };
  return key;
}

}  // namespace

ConfigSection& ConfigSection::Add(ConfigKey key) {
  key.name = name_ + "." + key.name;
  FEDGAP_CHECK(schema_->Find(key.name) == nullptr);
  const auto section = std::ranges::find(schema_->sections_, name_,
                                         &ConfigSchema::SectionInfo::name);
  section->keys.push_back(std::move(key));
  return *this;
}

ConfigSection& ConfigSection::Integer(std::string_view name, int* field,
                                      ConfigRange range, std::string help) {
  return Add(IntegerKey(name, field, range, std::move(help)));
}

ConfigSection& ConfigSection::Integer(std::string_view name,
                                      std::int64_t* field, ConfigRange range,
                                      std::string help) {
  return Add(IntegerKey(name, field, range, std::move(help)));
}

ConfigSection& ConfigSection::Integer(std::string_view name,
                                      std::uint64_t* field, ConfigRange range,
                                      std::string help) {
  return Add(IntegerKey(name, field, range, std::move(help)));
}

ConfigSection& ConfigSection::Number(std::string_view name, double* field,
                                     ConfigRange range, std::string help) {
  ConfigKey key;
  key.name = name;
  key.kind = ConfigKind::kNumber;
  key.range = range.ToString();
  key.help = std::move(help);
  key.set = [field, range](const ConfigValue& value) -> Status {
    FEDGAP_ASSIGN_OR_RETURN(*field, ToNumber(value, range));
    return absl::OkStatus();
  };
  key.get = [field] { return ConfigValue{*field}; };
  return Add(std::move(key));
}

ConfigSection& ConfigSection::Switch(std::string_view name, bool* field,
                                     std::string help) {
  ConfigKey key;
  key.name = name;
  key.kind = ConfigKind::kSwitch;
  key.help = std::move(help);
  key.set = [field](const ConfigValue& value) -> Status {
    const bool* on = std::get_if<bool>(&value.data);
    if (on == nullptr) return MustBe("true or false");
    *field = *on;
    return absl::OkStatus();
  };
  key.get = [field] { return ConfigValue{*field}; };
  return Add(std::move(key));
}

ConfigSection& ConfigSection::Text(std::string_view name, std::string* field,
                                   std::string help) {
  ConfigKey key;
  key.name = name;
  key.help = std::move(help);
  key.set = [field](const ConfigValue& value) -> Status {
    const auto* text = std::get_if<std::string>(&value.data);
    if (text == nullptr) return MustBe("a \"text\" in quotes");
    *field = *text;
    return absl::OkStatus();
  };
  key.get = [field] { return ConfigValue{*field}; };
  return Add(std::move(key));
}

ConfigSection& ConfigSection::Texts(std::string_view name,
                                    std::vector<std::string>* field,
                                    std::string help) {
  ConfigKey key;
  key.name = name;
  key.list = true;
  key.help = std::move(help);
  key.set = [field](const ConfigValue& value) -> Status {
    const auto* list = std::get_if<ConfigList>(&value.data);
    if (list == nullptr) return MustBe("a [list] of texts");
    std::vector<std::string> texts;
    for (const ConfigValue& item : *list) {
      const auto* text = std::get_if<std::string>(&item.data);
      if (text == nullptr) return MustBe("a [list] of texts");
      texts.push_back(*text);
    }
    *field = std::move(texts);
    return absl::OkStatus();
  };
  key.get = [field] {
    ConfigList list;
    for (const std::string& text : *field) list.push_back({text});
    return ConfigValue{std::move(list)};
  };
  return Add(std::move(key));
}

ConfigSection& ConfigSection::Numbers(std::string_view name,
                                      std::vector<double>* field,
                                      ConfigRange range, std::string help) {
  ConfigKey key;
  key.name = name;
  key.kind = ConfigKind::kNumber;
  key.list = true;
  key.range = range.ToString();
  key.help = std::move(help);
  key.set = [field, range](const ConfigValue& value) -> Status {
    const auto* list = std::get_if<ConfigList>(&value.data);
    if (list == nullptr) return MustBe("a [list] of numbers");
    std::vector<double> numbers;
    for (const ConfigValue& item : *list) {
      FEDGAP_ASSIGN_OR_RETURN(const double number, ToNumber(item, range));
      numbers.push_back(number);
    }
    *field = std::move(numbers);
    return absl::OkStatus();
  };
  key.get = [field] {
    ConfigList list;
    for (const double number : *field) list.push_back({number});
    return ConfigValue{std::move(list)};
  };
  return Add(std::move(key));
}

ConfigSection& ConfigSection::Choice(std::string_view name, std::string* field,
                                     const std::vector<std::string>& names,
                                     std::string help) {
  return Choice(
      name, names, std::move(help),
      [field, names](std::size_t index) { *field = names[index]; },
      [field] { return *field; });
}

ConfigSection& ConfigSection::Choice(std::string_view name,
                                     std::vector<std::string> names,
                                     std::string help,
                                     std::function<void(std::size_t)> set,
                                     std::function<std::string()> get) {
  ConfigKey key;
  key.name = name;
  key.range = fmt::format("one of {}", fmt::join(names, ", "));
  key.help = std::move(help);
  key.set = [names, set = std::move(set)](const ConfigValue& value) -> Status {
    const auto* text = std::get_if<std::string>(&value.data);
    const auto found =
        text == nullptr ? names.end() : std::ranges::find(names, *text);
    if (found == names.end()) {
      return MustBe(
          fmt::format("one of {}{}", fmt::join(names, ", "),
                      text == nullptr ? "" : DidYouMean(*text, names)));
    }
    set(static_cast<std::size_t>(found - names.begin()));
    return absl::OkStatus();
  };
  key.get = [get = std::move(get)] { return ConfigValue{get()}; };
  return Add(std::move(key));
}

}  // namespace fedgap
