#include "common/nn/json_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace fedgap {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDepth = 16;

class SyntaxChecker : public nlohmann::json_sax<Json> {
 public:
  explicit SyntaxChecker(std::string_view text) : text_(text) {}
  const Status& status() const { return status_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }

  bool key(string_t& key) override {
    if (keys_.back().insert(key).second) return true;
    return Fail(fmt::format("key '{}' stands twice in one object", key));
  }

  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::detail::exception&) override {
    const std::string_view before = text_.substr(
        0, std::min(position > 0 ? position - 1 : 0, text_.size()));
    const auto line = 1 + std::ranges::count(before, '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // 0 if none
    return Fail(fmt::format("not valid JSON at line {}, column {}, near '{}'",
                            line, before.size() - line_start + 1, last_token));
  }

 private:
  bool Enter() {
    keys_.emplace_back();
    return keys_.size() <= kMaxDepth ||
           Fail(fmt::format("nested deeper than {} levels", kMaxDepth));
  }
  bool Leave() {
    keys_.pop_back();
    return true;
  }
  bool Fail(const std::string& message) {
    status_ = absl::InvalidArgumentError(message);
    return false;
  }

  std::string_view text_;
  std::vector<std::set<std::string>> keys_;
  Status status_;
};

}  // namespace

Status CheckJsonSyntax(std::string_view text) {
  SyntaxChecker checker(text);
  Json::sax_parse(text.begin(), text.end(), &checker);
  return checker.status();
}

}  // namespace fedgap
