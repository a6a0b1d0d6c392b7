// From the value of "type" to the event, for readers. Private to
// common/telemetry.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_OF_TYPE_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_OF_TYPE_H_

#include <cstddef>
#include <string_view>
#include <variant>

#include "common/telemetry/event_fields.h"

namespace fedgap {

// Shows `v` the fields of an event of that type, which `event` becomes unless
// it is one already: then its strings and vectors keep their memory. False for
// a type of a newer version. Tries the types from kIndex on.
template <std::size_t kIndex = 0, typename V>
bool VisitEventOfType(std::string_view type, V& v, Event& event) {
  if constexpr (kIndex < std::variant_size_v<Event>) {
    using E = std::variant_alternative_t<kIndex, Event>;
    if (type != event_fields::kType<E>) {
      return VisitEventOfType<kIndex + 1>(type, v, event);
    }
    E* const old = std::get_if<E>(&event);
    event_fields::Visit(v, old != nullptr ? *old : event.emplace<E>());
    return true;
  } else {
    return false;
  }
}

// A round's own events carry the line's attempt.
inline void SetAttempt(int attempt, Event& event) {
  if (auto* e = std::get_if<RoundStartedEvent>(&event)) e->attempt = attempt;
  if (auto* e = std::get_if<RoundCommittedEvent>(&event)) e->attempt = attempt;
  if (auto* e = std::get_if<RoundAbortedEvent>(&event)) e->attempt = attempt;
}

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_OF_TYPE_H_
