// What is sent to the page: docs/DASHBOARD.md has the form.
#ifndef FEDGAP_DASHBOARD_MODEL_VIEW_JSON_H_
#define FEDGAP_DASHBOARD_MODEL_VIEW_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/telemetry/event_follower.h"
#include "dashboard/model/pooled_view.h"
#include "dashboard/model/run_view_builder.h"

namespace fedgap {

// Where a view comes from and what of it could not be read.
struct ViewSource {
  std::string name;  // as the user gave it
  std::int64_t lines = 0;
  std::int64_t bytes = 0;
  EventLogDamage damage;
  bool is_left = false;  // of a run's directory that no program holds
};

// What the page has already; the default: nothing.
struct ViewPosition {
  std::uint64_t revision = 0;
  std::uint64_t seq = 0;  // of the newest event
  bool is_left = false;   // ViewSource::is_left, as it was sent

  friend bool operator==(const ViewPosition&, const ViewPosition&) = default;
};

// One run as an object in ASCII-safe JSON. With a position, columns of rounds
// and of clients' histories, clients and events hold only what is newer; `from`
// says behind how many of the rows that the page has they stand. Numbers have
// six significant digits; those that are not finite are null. `pooled` may be
// null: the field then is, too.
std::string RunJson(const RunViewBuilder& builder, const ViewSource& source,
                    const PooledView* pooled, ViewPosition after = {});

// `json` so that it can stand inside <script>: no '<' is left.
std::string ForScript(std::string_view json);

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_VIEW_JSON_H_
