#include "common/telemetry/event_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/telemetry/event_fields.h"

namespace fedgap {
namespace {

using Json = nlohmann::ordered_json;
using event_fields::kType;

// --- Writing --------------------------------------------------------------

class Writer;
Json Encode(const std::string& value) { return value; }
Json Encode(const RunId& value) { return value.value; }
Json Encode(const ClientName& value) { return value.value; }
Json Encode(const ModelId& value) { return ToHex(value.digest); }
template <typename T>
Json Encode(T value) requires std::is_arithmetic_v<T> {
  return value;
}
template <typename T>
Json Encode(const std::vector<T>& values);
template <typename T>
Json Encode(const T& value) requires std::is_class_v<T>;

class Writer {
 public:
  explicit Writer(Json& out) : out_(out) {}
  template <typename T>
  void operator()(const char* name, const T& value) {
    out_.emplace(name, Encode(value));
  }
  template <typename T>
  void Derived(const char* name, const T& value) {
    (*this)(name, value);
  }
  template <typename T>
  void Inline(const T& value) {
    event_fields::Visit(*this, value);
  }

 private:
  Json& out_;
};

template <typename T>
Json Encode(const std::vector<T>& values) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(Encode(value));
  return array;
}

template <typename T>
Json Encode(const T& value) requires std::is_class_v<T> {
  Json object = Json::object();
  Writer writer(object);
  event_fields::Visit(writer, value);
  return object;
}

int AttemptOf(const Event& event, int otherwise) {
  if (const auto* e = std::get_if<RoundStartedEvent>(&event)) return e->attempt;
  if (const auto* e = std::get_if<RoundCommittedEvent>(&event)) {
    return e->attempt;
  }
  if (const auto* e = std::get_if<RoundAbortedEvent>(&event)) return e->attempt;
  return otherwise;
}

}  // namespace

std::string ToJsonLine(const EventHeader& header, const Event& event) {
  Json line = Json::object();
  Writer writer(line);
  writer("schema", kEventSchema);
  writer("seq", header.seq);
  writer("start", header.start);
  writer("attempt", AttemptOf(event, header.attempt));
  writer("time", FormatTime(header.time));
  std::visit(
      [&](const auto& e) {
        using E = std::remove_cvref_t<decltype(e)>;
        writer("type", std::string(kType<E>));
        event_fields::Visit(writer, e);
      },
      event);
  return line.dump(-1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

std::string FormatTime(Clock::WallTime time) {
  const auto ms =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (ms - seconds).count());
}

namespace {

constexpr std::string_view kTimeForm = "0000-00-00T00:00:00.000Z";

bool HasTimeForm(std::string_view text) {
  return std::ranges::equal(text, kTimeForm, [](char c, char form) {
    return form == '0' ? c >= '0' && c <= '9' : c == form;
  });
}

// What a text of that form says; nothing for days that there are not, and for
// years of which Clock::WallTime does not hold the nanoseconds.
std::optional<Clock::WallTime> TimeOf(std::string_view text) {
  const auto part = [text](std::size_t begin, std::size_t digits) {
    int value = 0;
    for (const char c : text.substr(begin, digits)) {
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const std::chrono::year_month_day date(
      std::chrono::year(part(0, 4)),
      std::chrono::month(static_cast<unsigned>(part(5, 2))),
      std::chrono::day(static_cast<unsigned>(part(8, 2))));
  if (!date.ok() || date.year() < std::chrono::year(1678) ||
      date.year() > std::chrono::year(2261)) {
    return std::nullopt;
  }
  return std::chrono::sys_days{date} + std::chrono::hours(part(11, 2)) +
         std::chrono::minutes(part(14, 2)) + std::chrono::seconds(part(17, 2)) +
         std::chrono::milliseconds(part(20, 3));
}

}  // namespace

StatusOr<Clock::WallTime> ParseTime(std::string_view text) {
  const auto time = HasTimeForm(text) ? TimeOf(text) : std::nullopt;
  if (time.has_value()) return *time;
  return absl::DataLossError(fmt::format(
      "\"{}\" is not a time in RFC 3339 with milliseconds and Z, of the years "
      "1678 to 2261",
      text));
}

}  // namespace fedgap
