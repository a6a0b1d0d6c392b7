// A line of an event log from elsewhere never crashes the reader or the
// dashboard; what is accepted is what JSON's rules say, survives being written
// and read again, and what reaches a page holds no markup.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/telemetry/event_json.h"
#include "dashboard/model/run_view_builder.h"
#include "dashboard/model/view_json.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RunViewBuilder builder;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    const StatusOr<LoggedEvent> logged = ParseEventLine(line);
    // To JSON's rules alone: a blank at the end is left to them.
    const StatusOr<LoggedEvent> ruled = ParseEventLine(std::string(line) + ' ');
    FEDGAP_CHECK(ruled.status() == logged.status());
    if (!logged.ok() || !logged->known) continue;
    builder.Take(*logged, line);
    const std::string written = ToJsonLine(logged->header, logged->event);
    FEDGAP_CHECK(ToJsonLine(ruled->header, ruled->event) == written);
    const StatusOr<LoggedEvent> again = ParseEventLine(written);
    FEDGAP_CHECK(again.ok());
    FEDGAP_CHECK(ToJsonLine(again->header, again->event) == written);
  }
  ViewSource source;
  source.name = "fuzz";
  const std::string json = RunJson(builder, source, /*pooled=*/nullptr);
  FEDGAP_CHECK(ForScript(json).find('<') == std::string::npos);
  return 0;
}

}  // namespace fedgap
