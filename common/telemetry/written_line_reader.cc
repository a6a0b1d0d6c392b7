#include "common/telemetry/written_line_reader.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/telemetry/event_of_type.h"

namespace fedgap {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Printable ASCII that stands for itself in a string of JSON.
bool IsPlain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

struct Number {
  std::int64_t whole = 0;  // the part before the point, with its sign
  bool is_whole = true;
  bool has_exponent = false;
};

// Goes over a line from left to right, as the visitor of the fields that must
// come next. After the first that does not, it stays where it is.
class LineWalker {
 public:
  explicit LineWalker(std::string_view line)
      : at_(line.data()), end_(line.data() + line.size()) {}

  template <std::size_t kSize, typename T>
  void operator()(const char (&name)[kSize], T& value) {
    good_ = good_ && TakeName(name) && Read(value);
  }
  template <std::size_t kSize, typename T>
  void Derived(const char (&name)[kSize], const T&) {
    Number unused;
    good_ = good_ && TakeName(name) && (Take("null") || Take(unused)) &&
            !unused.has_exponent;  // which could be too large for a double
  }
  template <typename T>
  void Inline(T& value) {
    event_fields::Visit(*this, value);
  }

  // Whether everything was as it is written, up to the line's end.
  bool TakeEnd() { return good_ && Take('}') && at_ == end_; }

 private:
  bool IsNext(char c) const { return at_ != end_ && *at_ == c; }
  bool Take(char c) {
    const bool is_next = IsNext(c);
    at_ += is_next ? 1 : 0;
    return is_next;
  }
  template <std::size_t kSize>
  bool Take(const char (&text)[kSize]) {
    constexpr std::size_t kLength = kSize - 1;
    const bool is_next = Has(kLength) && std::memcmp(at_, text, kLength) == 0;
    at_ += is_next ? kLength : 0;
    return is_next;
  }
  bool Has(std::size_t bytes) const {
    return static_cast<std::size_t>(end_ - at_) >= bytes;
  }

  // The comma or brace before a field, its name and the colon.
  template <std::size_t kSize>
  bool TakeName(const char (&name)[kSize]) {
    constexpr std::size_t kLength = kSize - 1;
    constexpr std::size_t kBeside = 4;
    if (!Has(kLength + kBeside) || at_[0] != before_ || at_[1] != '"' ||
        std::memcmp(at_ + 2, name, kLength) != 0 || at_[2 + kLength] != '"' ||
        at_[3 + kLength] != ':') {
      return false;
    }
    at_ += kLength + kBeside;
    before_ = ',';
    return true;
  }

  bool TakeDigits() {
    const char* const begin = at_;
    while (at_ != end_ && IsDigit(*at_)) ++at_;
    return at_ != begin;
  }
  bool Take(Number& number) {
    if (!TakeWhole(number.whole)) return false;
    const bool has_fraction = Take('.');
    if (has_fraction && !TakeDigits()) return false;
    number.has_exponent = Take('e');
    if (number.has_exponent) {
      if (!Take('-')) Take('+');
      if (!TakeDigits()) return false;
    }
    number.is_whole = !has_fraction && !number.has_exponent;
    return true;
  }
  bool TakeWhole(std::int64_t& out) {
    constexpr std::ptrdiff_t kMostDigits =
        std::numeric_limits<std::int64_t>::digits10;
    const bool is_negative = Take('-');
    const char* const begin = at_;
    std::int64_t value = 0;
    while (at_ != end_ && IsDigit(*at_) && at_ - begin < kMostDigits) {
      value = 10 * value + (*at_++ - '0');
    }
    out = is_negative ? -value : value;
    const bool is_zero_first = at_ - begin > 1 && *begin == '0';
    return at_ != begin && !is_zero_first;
  }

  bool Read(bool& out) {
    out = Take("true");
    return out || Take("false");
  }
  bool Read(double& out) {
    if (Take("null")) {
      out = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    const char* const begin = at_;
    Number number;
    if (!Take(number)) return false;
    if (number.is_whole) {
      out = static_cast<double>(number.whole);
      return true;
    }
    return std::from_chars(begin, at_, out).ec == std::errc();
  }
  template <typename T>
  bool Read(T& out) requires std::is_integral_v<T> {
    std::int64_t value = 0;
    if (!TakeWhole(value) || !std::in_range<T>(value)) return false;
    out = static_cast<T>(value);
    return true;
  }
  bool Read(std::string_view& out) {
    if (!Take('"')) return false;
    const char* const begin = at_;
    while (at_ != end_ && IsPlain(*at_)) ++at_;
    out = {begin, static_cast<std::size_t>(at_ - begin)};
    return Take('"');
  }
  bool Read(std::string& out) {
    std::string_view text;
    if (!Read(text)) return false;
    out.assign(text);
    return true;
  }
  bool Read(RunId& out) { return Read(out.value); }
  bool Read(ClientName& out) { return Read(out.value); }
  bool Read(ModelId& out) {
    std::string_view hex;
    if (!Read(hex)) return false;
    const auto digest = ParseSha256Hex(hex);
    if (digest.ok()) out.digest = *digest;
    return digest.ok();
  }
  template <typename T>
  bool Read(std::vector<T>& out) {
    if (!Take('[')) return false;
    std::size_t size = 0;
    if (!IsNext(']')) {
      do {
        if (size == out.size()) out.emplace_back();
        if (!Read(out[size++])) return false;
      } while (Take(','));
    }
    out.resize(size);
    return Take(']');
  }
  template <typename T>
  bool Read(T& out) requires std::is_class_v<T> {
    before_ = '{';
    event_fields::Visit(*this, out);
    return good_ && Take('}');
  }

  const char* at_;
  const char* const end_;
  char before_ = '{';  // the next field's name
  bool good_ = true;
};

}  // namespace

bool ReadWrittenLine(std::string_view line, LoggedEvent& out) {
  LineWalker walker(line);
  int schema = 0;
  std::string_view time;
  std::string_view type;
  walker("schema", schema);
  walker("seq", out.header.seq);
  walker("start", out.header.start);
  walker("attempt", out.header.attempt);
  walker("time", time);
  walker("type", type);
  if (schema != kEventSchema) return false;
  const auto parsed_time = ParseTime(time);
  if (!parsed_time.ok()) return false;
  out.header.time = *parsed_time;
  out.known = VisitEventOfType(type, walker, out.event);
  SetAttempt(out.header.attempt, out.event);
  return out.known && walker.TakeEnd();
}

}  // namespace fedgap
