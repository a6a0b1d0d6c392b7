// How long views of the dashboard take to be drawn and how evenly they move, as
// a person at the browser sees it.
#ifndef FEDGAP_BENCH_DASHBOARD_PAGE_TIMING_H_
#define FEDGAP_BENCH_DASHBOARD_PAGE_TIMING_H_

#include <string>

#include "tests/testing/browser.h"

namespace fedgap::bench {

struct Smoothness {
  double frame_ms_p95 = 0;  // from one frame to the next
  double frame_ms_most = 0;
  // Longest stretch for which the page's own thread was busy: tasks of under
  // 50 ms, which nobody notices, are not told apart and count as 0.
  double task_ms_most = 0;
};

// Milliseconds since 1970 at which the overview of `rounds` rounds was on the
// screen, waited for; a failed expectation when it does not come.
double WaitForOverview(Browser& browser, int rounds);

// From choosing a view to the second frame after its charts and tables stand.
double OpenView(Browser& browser, const std::string& view);

// Scrolls from the top to the end of the page in two seconds.
Smoothness Scroll(Browser& browser);
// Drags over the first chart, in a second, then shows all of it again.
Smoothness Zoom(Browser& browser);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_DASHBOARD_PAGE_TIMING_H_
