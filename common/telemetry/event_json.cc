#include "common/telemetry/event_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
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

// The number in `digits`; -1 if it is none.
int ParseDigits(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

StatusOr<Clock::WallTime> ParseTime(const std::string& text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  bool is_time = text.size() == kForm.size();
  for (std::size_t i = 0; is_time && i < kForm.size(); ++i) {
    is_time = kForm[i] == '0' || kForm[i] == text[i];
  }
  const auto part = [&](std::size_t begin, std::size_t digits) {
    const int value = is_time ? ParseDigits({text.data() + begin, digits}) : -1;
    is_time = value >= 0;
    return std::max(value, 0);
  };
  const std::chrono::year_month_day date(
      std::chrono::year(part(0, 4)),
      std::chrono::month(static_cast<unsigned>(part(5, 2))),
      std::chrono::day(static_cast<unsigned>(part(8, 2))));
  const auto time = std::chrono::hours(part(11, 2)) +
                    std::chrono::minutes(part(14, 2)) +
                    std::chrono::seconds(part(17, 2)) +
                    std::chrono::milliseconds(part(20, 3));
  // Clock::WallTime holds the nanoseconds of these years.
  const bool fits = date.year() >= std::chrono::year(1678) &&
                    date.year() <= std::chrono::year(2261);
  if (!is_time || !date.ok() || !fits) {
    return absl::DataLossError(fmt::format(
        "\"{}\" is not a time in RFC 3339 with milliseconds and Z, of the "
        "years 1678 to 2261",
        text));
  }
  return std::chrono::sys_days{date} + time;
}

}  // namespace fedgap
