#include "common/telemetry/event_line_parser.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/telemetry/event_of_type.h"
#include "common/telemetry/written_line_reader.h"

namespace fedgap {
namespace {

namespace dom = simdjson::dom;

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

Status ReadObject(const dom::object& object, LoggedEvent& out) {
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
  reader("seq", out.header.seq);
  reader("start", out.header.start);
  reader("attempt", out.header.attempt);
  reader("time", time);
  reader("type", type);
  if (!error.empty()) return absl::DataLossError(error);
  FEDGAP_ASSIGN_OR_RETURN(out.header.time, ParseTime(time));
  out.known = VisitEventOfType(type, reader, out.event);
  if (!error.empty()) {
    return absl::DataLossError(fmt::format("{}: {}", type, error));
  }
  SetAttempt(out.header.attempt, out.event);
  return absl::OkStatus();
}

}  // namespace

class EventLineParser::Impl {
 public:
  Status Parse(std::string_view line, bool is_padded, LoggedEvent& out) {
    if (ReadWrittenLine(line, out)) return absl::OkStatus();
    dom::object object;
    if (parser_.parse(line.data(), line.size(), !is_padded).get(object) !=
        simdjson::SUCCESS) {
      return absl::DataLossError("not a whole JSON object");
    }
    return ReadObject(object, out);
  }

 private:
  dom::parser parser_;
};

EventLineParser::EventLineParser() : impl_(std::make_unique<Impl>()) {}
EventLineParser::~EventLineParser() = default;
EventLineParser::EventLineParser(EventLineParser&&) noexcept = default;
EventLineParser& EventLineParser::operator=(EventLineParser&&) noexcept =
    default;

Status EventLineParser::Parse(std::string_view line, LoggedEvent& out) {
  return impl_->Parse(line, false, out);
}

Status EventLineParser::ParsePadded(std::string_view line, LoggedEvent& out) {
  return impl_->Parse(line, true, out);
}

StatusOr<LoggedEvent> ParseEventLine(std::string_view line) {
  LoggedEvent logged;
  FEDGAP_RETURN_IF_ERROR(EventLineParser().Parse(line, logged));
  return logged;
}

}  // namespace fedgap
