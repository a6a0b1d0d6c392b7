#include "common/telemetry/event_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

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

// --- Reading --------------------------------------------------------------

// Fills a struct from an object; remembers the first field that is wrong.
class Reader {
 public:
  Reader(const Json& in, std::string& error) : in_(in), error_(error) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    if (!error_.empty()) return;
    const auto found = in_.find(name);
    if (found == in_.end()) {
      error_ = fmt::format("\"{}\" is missing", name);
    } else if (!Decode(*found, value) && error_.empty()) {
      error_ = fmt::format("\"{}\" has a wrong value", name);
    }
  }
  template <typename T>
  void Derived(const char*, const T&) {}
  template <typename T>
  void Inline(T& value) {
    event_fields::Visit(*this, value);
  }

 private:
  bool Decode(const Json& in, bool& out) const {
    if (!in.is_boolean()) return false;
    out = in.get<bool>();
    return true;
  }
  bool Decode(const Json& in, double& out) const {
    if (in.is_null()) {
      out = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    if (!in.is_number()) return false;
    out = in.get<double>();
    return true;
  }
  template <typename T>
  bool Decode(const Json& in, T& out) const requires std::is_integral_v<T> {
    if (!in.is_number_integer()) return false;
    const bool fits = in.is_number_unsigned()
                          ? std::in_range<T>(in.get<std::uint64_t>())
                          : std::in_range<T>(in.get<std::int64_t>());
    if (fits) out = in.get<T>();
    return fits;
  }
  bool Decode(const Json& in, std::string& out) const {
    if (!in.is_string()) return false;
    out = in.get<std::string>();
    return true;
  }
  bool Decode(const Json& in, RunId& out) const {
    return Decode(in, out.value);
  }
  bool Decode(const Json& in, ClientName& out) const {
    return Decode(in, out.value);
  }
  bool Decode(const Json& in, ModelId& out) const {
    std::string hex;
    if (!Decode(in, hex)) return false;
    const auto digest = ParseSha256Hex(hex);
    if (digest.ok()) out.digest = *digest;
    return digest.ok();
  }
  template <typename T>
  bool Decode(const Json& in, std::vector<T>& out) const {
    if (!in.is_array()) return false;
    out.resize(in.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!Decode(in[i], out[i])) return false;
    }
    return true;
  }
  template <typename T>
  bool Decode(const Json& in, T& out) const requires std::is_class_v<T> {
    if (!in.is_object()) return false;
    Reader reader(in, error_);
    event_fields::Visit(reader, out);
    return error_.empty();
  }

  const Json& in_;
  std::string& error_;
};

// Tries the event types from this one on.
template <std::size_t kIndex = 0>
bool ReadEvent(const std::string& type, Reader& reader, Event& event) {
  if constexpr (kIndex < std::variant_size_v<Event>) {
    using E = std::variant_alternative_t<kIndex, Event>;
    if (type != kType<E>) return ReadEvent<kIndex + 1>(type, reader, event);
    E value;
    event_fields::Visit(reader, value);
    event = std::move(value);
    return true;
  } else {
    return false;
  }
}

void SetAttempt(int attempt, Event& event) {
  if (auto* e = std::get_if<RoundStartedEvent>(&event)) e->attempt = attempt;
  if (auto* e = std::get_if<RoundCommittedEvent>(&event)) e->attempt = attempt;
  if (auto* e = std::get_if<RoundAbortedEvent>(&event)) e->attempt = attempt;
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

StatusOr<LoggedEvent> ParseEventLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::DataLossError("not a whole JSON object");
  }
  LoggedEvent logged;
  int schema = 0;
  std::string time;
  std::string type;
  std::string error;
  Reader reader(json, error);
  reader("schema", schema);
  if (error.empty() && schema != kEventSchema) {
    error = fmt::format("\"schema\" is {}, this program reads {}", schema,
                        kEventSchema);
  }
  reader("seq", logged.header.seq);
  reader("start", logged.header.start);
  reader("attempt", logged.header.attempt);
  reader("time", time);
  reader("type", type);
  if (!error.empty()) return absl::DataLossError(error);
  FEDGAP_ASSIGN_OR_RETURN(logged.header.time, ParseTime(time));
  logged.known = ReadEvent(type, reader, logged.event);
  if (!error.empty()) {
    return absl::DataLossError(fmt::format("{}: {}", type, error));
  }
  SetAttempt(logged.header.attempt, logged.event);
  return logged;
}

std::string FormatTime(Clock::WallTime time) {
  const auto ms =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (ms - seconds).count());
}

StatusOr<Clock::WallTime> ParseTime(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0;
  int end = 0;
  const int read =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month,
                  &day, &hour, &minute, &second, &ms, &end);
  const std::chrono::year_month_day date(
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day)));
  if (read != 7 || static_cast<std::size_t>(end) != text.size() || !date.ok()) {
    return absl::DataLossError(fmt::format(
        "\"{}\" is not a time in RFC 3339 with milliseconds and Z", text));
  }
  return std::chrono::sys_days{date} + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) +
         std::chrono::milliseconds(ms);
}

}  // namespace fedgap
