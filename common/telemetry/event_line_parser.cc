#include "common/telemetry/event_line_parser.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/telemetry/event_fields.h"

namespace fedgap {
namespace {

namespace dom = simdjson::dom;
using event_fields::kType;

static_assert(EventLineParser::kPadding >= simdjson::SIMDJSON_PADDING);

// Fills a struct from an object; remembers the first field that is wrong.
class Reader {
 public:
  Reader(const dom::object& in, std::string& error)
      : in_(in), next_(in.begin()), error_(error) {}

  // Names are literals, so that their length is known.
  template <std::size_t kSize, typename T>
  void operator()(const char (&name)[kSize], T& value) {
    if (!error_.empty()) return;
    dom::element found;
    if (!Find({name, kSize - 1}, found)) {
      error_ = fmt::format("\"{}\" is missing", name);
    } else if (!Decode(found, value) && error_.empty()) {
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
  // Fields come in the order in which they are asked for, unless another
  // program wrote them: looks from the last one on, then from the first.
  bool Find(std::string_view name, dom::element& out) {
    for (auto it = next_; it != in_.end(); ++it) {
      if (it.key() == name) return Take(it, out);
    }
    for (auto it = in_.begin(); it != next_; ++it) {
      if (it.key() == name) return Take(it, out);
    }
    return false;
  }
  bool Take(dom::object::iterator it, dom::element& out) {
    out = it.value();
    next_ = it;
    ++next_;
    return true;
  }

  bool Decode(const dom::element& in, bool& out) const {
    return in.get(out) == simdjson::SUCCESS;
  }
  bool Decode(const dom::element& in, double& out) const {
    if (in.is_null()) {
      out = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    return in.get(out) == simdjson::SUCCESS;
  }
  template <typename T>
  bool Decode(const dom::element& in,
              T& out) const requires std::is_integral_v<T> {
    std::int64_t value = 0;
    if (in.get(value) == simdjson::SUCCESS) {
      if (!std::in_range<T>(value)) return false;
      out = static_cast<T>(value);
      return true;
    }
    std::uint64_t large = 0;
    if (in.get(large) != simdjson::SUCCESS || !std::in_range<T>(large)) {
      return false;
    }
    out = static_cast<T>(large);
    return true;
  }
  bool Decode(const dom::element& in, std::string_view& out) const {
    return in.get(out) == simdjson::SUCCESS;
  }
  bool Decode(const dom::element& in, std::string& out) const {
    std::string_view text;
    if (in.get(text) != simdjson::SUCCESS) return false;
    out.assign(text);
    return true;
  }
  bool Decode(const dom::element& in, RunId& out) const {
    return Decode(in, out.value);
  }
  bool Decode(const dom::element& in, ClientName& out) const {
    return Decode(in, out.value);
  }
  bool Decode(const dom::element& in, ModelId& out) const {
    std::string hex;
    if (!Decode(in, hex)) return false;
    const auto digest = ParseSha256Hex(hex);
    if (digest.ok()) out.digest = *digest;
    return digest.ok();
  }
  template <typename T>
  bool Decode(const dom::element& in, std::vector<T>& out) const {
    dom::array array;
    if (in.get(array) != simdjson::SUCCESS) return false;
    out.clear();
    out.reserve(array.size());
    for (const dom::element entry : array) {
      if (!Decode(entry, out.emplace_back())) return false;
    }
    return true;
  }
  template <typename T>
  bool Decode(const dom::element& in,
              T& out) const requires std::is_class_v<T> {
    dom::object object;
    if (in.get(object) != simdjson::SUCCESS) return false;
    Reader reader(object, error_);
    event_fields::Visit(reader, out);
    return error_.empty();
  }

  const dom::object& in_;
  dom::object::iterator next_;
  std::string& error_;
};

// Tries the event types from this one on.
template <std::size_t kIndex = 0>
bool ReadEvent(std::string_view type, Reader& reader, Event& event) {
  if constexpr (kIndex < std::variant_size_v<Event>) {
    using E = std::variant_alternative_t<kIndex, Event>;
    if (type != kType<E>) return ReadEvent<kIndex + 1>(type, reader, event);
    event_fields::Visit(reader, event.template emplace<E>());
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

StatusOr<LoggedEvent> FromObject(const dom::object& object) {
  LoggedEvent logged;
  int schema = 0;
  std::string_view time;
  std::string_view type;
  std::string error;
  Reader reader(object, error);
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
  FEDGAP_ASSIGN_OR_RETURN(logged.header.time, ParseTime(std::string(time)));
  logged.known = ReadEvent(type, reader, logged.event);
  if (!error.empty()) {
    return absl::DataLossError(fmt::format("{}: {}", type, error));
  }
  SetAttempt(logged.header.attempt, logged.event);
  return logged;
}

}  // namespace

class EventLineParser::Impl {
 public:
  StatusOr<LoggedEvent> Parse(std::string_view line, bool is_padded) {
    dom::object object;
    if (parser_.parse(line.data(), line.size(), !is_padded).get(object) !=
        simdjson::SUCCESS) {
      return absl::DataLossError("not a whole JSON object");
    }
    return FromObject(object);
  }

 private:
  dom::parser parser_;
};

EventLineParser::EventLineParser() : impl_(std::make_unique<Impl>()) {}
EventLineParser::~EventLineParser() = default;
EventLineParser::EventLineParser(EventLineParser&&) noexcept = default;
EventLineParser& EventLineParser::operator=(EventLineParser&&) noexcept =
    default;

StatusOr<LoggedEvent> EventLineParser::Parse(std::string_view line) {
  return impl_->Parse(line, false);
}

StatusOr<LoggedEvent> EventLineParser::ParsePadded(std::string_view line) {
  return impl_->Parse(line, true);
}

StatusOr<LoggedEvent> ParseEventLine(std::string_view line) {
  return EventLineParser().Parse(line);
}

}  // namespace fedgap
