#include "bench/dashboard/page_timing.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace fedgap::bench {
namespace {

// Promises, which the driver waits for. `frames` ends with what came between
// the frames while `step(share)` was called with 0 to 1.
constexpr const char* kScript = R"(
const frame = () => new Promise(done => requestAnimationFrame(done));
const until = async (ready) => { while (!ready()) await frame(); };
const all = selector => [...document.querySelectorAll(selector)];
// Charts come when they are measured.
const stands = () => all('#main .card').length > 0 &&
    all('#main .chart').every(chart => chart.firstElementChild);
const frames = async (milliseconds, step) => {
  const tasks = [];
  const watch = new PerformanceObserver(
      list => tasks.push(...list.getEntries().map(task => task.duration)));
  watch.observe({type: 'longtask'});
  const gaps = [];
  const begin = await frame();
  for (let now = begin; now - begin < milliseconds;) {
    step((now - begin) / milliseconds);
    const next = await frame();
    gaps.push(next - now);
    now = next;
  }
  await new Promise(done => setTimeout(done, 100));
  tasks.push(...watch.takeRecords().map(task => task.duration));
  watch.disconnect();
  gaps.sort((a, b) => a - b);
  return {p95: gaps[Math.floor(.95 * (gaps.length - 1))],
    most: gaps[gaps.length - 1], task: Math.max(0, ...tasks)};
};
)";

nlohmann::json Await(Browser& browser, const std::string& body) {
  const std::string text = browser.Run(
      fmt::format("{}return (async () => {{{}}})()", kScript, body));
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Smoothness Measure(Browser& browser, const std::string& body) {
  const nlohmann::json result = Await(browser, body);
  EXPECT_TRUE(result.is_object()) << result.dump();
  if (!result.is_object()) return {};
  return {.frame_ms_p95 = result.value("p95", 0.0),
          .frame_ms_most = result.value("most", 0.0),
          .task_ms_most = result.value("task", 0.0)};
}

}  // namespace

double WaitForOverview(Browser& browser, int rounds) {
  const nlohmann::json at = Await(
      browser, fmt::format("const count = Number({}).toLocaleString('en-US');"
                           "await until(() => document.body.innerText.includes("
                           "`${{count}} / ${{count}}`) && stands());"
                           "await frame(); await frame(); return Date.now();",
                           rounds));
  EXPECT_TRUE(at.is_number()) << at.dump();
  return at.is_number() ? at.get<double>() : 0;
}

double OpenView(Browser& browser, const std::string& view) {
  const nlohmann::json took =
      Await(browser,
            fmt::format("const begin = performance.now();"
                        "location.hash = '{}';"
                        "await until(() => stands() && document.querySelector("
                        "'nav [aria-current]').hash === '#{}');"
                        "await frame(); await frame();"
                        "return performance.now() - begin;",
                        view, view));
  EXPECT_TRUE(took.is_number()) << took.dump();
  return took.is_number() ? took.get<double>() : 0;
}

Smoothness Scroll(Browser& browser) {
  return Measure(browser, R"(
const most = document.documentElement.scrollHeight - innerHeight;
const result = await frames(2000, share => scrollTo(0, share * most));
scrollTo(0, 0);
return result;)");
}

Smoothness Zoom(Browser& browser) {
  return Measure(browser, R"(
const over = document.querySelector('.u-over');
const box = over.getBoundingClientRect();
const mouse = (type, share) => (type === 'mousemove' ? over : over)
    .dispatchEvent(new MouseEvent(type, {bubbles: true, button: 0, detail: 1,
      clientX: box.x + (.2 + .5 * share) * box.width,
      clientY: box.y + box.height / 2}));
mouse('mousemove', 0);
mouse('mousedown', 0);
let up = false;
const result = await frames(1500, share => {
  if (share < .7) mouse('mousemove', share);
  else if (!up) up = document.dispatchEvent(new MouseEvent('mouseup', {
    bubbles: true, button: 0}));
});
over.dispatchEvent(new MouseEvent('dblclick', {bubbles: true, button: 0}));
return result;)");
}

}  // namespace fedgap::bench
