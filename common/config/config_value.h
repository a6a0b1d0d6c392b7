// A value of a configuration, whatever text it came from.
#ifndef FEDGAP_COMMON_CONFIG_CONFIG_VALUE_H_
#define FEDGAP_COMMON_CONFIG_CONFIG_VALUE_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fedgap {

struct ConfigValue;
using ConfigList = std::vector<ConfigValue>;

struct ConfigValue {
  std::variant<bool, std::int64_t, double, std::string, ConfigList> data;
};

// What a key takes. A list's kind is that of its elements.
enum class ConfigKind { kSwitch, kInteger, kNumber, kText };

// As TOML: `true`, `3`, `0.1`, `"text"`, `[1, 2]`. Numbers are the shortest
// that read back to the same bits.
std::string ToTomlText(const ConfigValue& value);

// Reads what a flag or the environment says for a key of the kind: `2`,
// `0.05`, `true`, plain text without quotes, and lists separated by commas,
// brackets and quotes optional (`14x14,20x20`). What does not read as its kind
// comes back as text, for the key to refuse.
ConfigValue ParseConfigText(ConfigKind kind, bool list, std::string_view text);

// The numbers that a key allows.
class ConfigRange {
 public:
  // Any finite number.
  ConfigRange() = default;
  static ConfigRange AtLeast(double low);
  static ConfigRange Above(double low);
  static ConfigRange Between(double low, double high);    // [low, high]
  static ConfigRange AboveUpTo(double low, double high);  // (low, high]
  static ConfigRange Below(double low, double high);      // [low, high)

  bool Contains(double value) const;
  // ">= 1", "> 0", "in (0, 1]"; "" for any.
  std::string ToString() const;

 private:
  double low_ = -std::numeric_limits<double>::infinity();
  double high_ = std::numeric_limits<double>::infinity();
  bool low_open_ = false;
  bool high_open_ = false;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CONFIG_CONFIG_VALUE_H_
