#include "dashboard/http/view_hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fedgap {
namespace {

using std::chrono::milliseconds;

// A log on a file system of another machine tells nothing of its changes, and a
// program that was killed nothing of its end.
constexpr milliseconds kLookAgain{2000};
// A simulation writes thousands of events a second: they are taken together.
constexpr milliseconds kTogether{250};

}  // namespace

StatusOr<std::unique_ptr<ViewHub>> ViewHub::Open(
    const std::vector<std::filesystem::path>& logs) {
  if (logs.empty() || logs.size() > kMaxRuns) {
    return absl::InvalidArgumentError(
        fmt::format("{} runs: name 1 to {}", logs.size(), kMaxRuns));
  }
  std::unique_ptr<ViewHub> hub(new ViewHub);
  for (const auto& log : logs) {
    FEDGAP_ASSIGN_OR_RETURN(LogView view, LogView::Open(log));
    FEDGAP_ASSIGN_OR_RETURN(FileWatch watch, FileWatch::Create(view.path()));
    hub->runs_.push_back(
        std::make_unique<Run>(std::move(view), std::move(watch)));
  }
  for (const auto& run : hub->runs_) {
    run->reader = std::thread([&hub = *hub, &run = *run] { hub.Follow(run); });
  }
  return hub;
}

ViewHub::~ViewHub() {
  Stop();
  for (const auto& run : runs_) {
    if (run->reader.joinable()) run->reader.join();
  }
}

void ViewHub::Follow(Run& run) {
  while (!stopped_) {
    {
      const MutexLock lock(run.mutex);
      const auto before = run.view.position();
      // A disk that fails now and then: what was read stays, and the next
      // change is another try.
      static_cast<void>(run.view.Refresh());
      const bool is_first = !run.is_read.exchange(true);
      if (is_first || run.view.position() != before) Tell();
    }
    run.watch.Wait(kLookAgain);
    if (stopped_) return;
    const auto until = std::chrono::steady_clock::now() + kTogether;
    const MutexLock lock(mutex_);
    while (!stopped_ && changed_.WaitUntil(mutex_, until)) {
    }
  }
}

void ViewHub::Tell() {
  const MutexLock lock(mutex_);
  ++version_;
  changed_.NotifyAll();
}

bool ViewHub::WaitForNews(Reader& reader, milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  const MutexLock lock(mutex_);
  while (!stopped_ && version_ == reader.version) {
    if (!changed_.WaitUntil(mutex_, until)) break;
  }
  const bool is_new = !stopped_ && version_ != reader.version;
  reader.version = version_;
  return is_new;
}

std::string ViewHub::News(std::size_t index, Reader& reader) {
  Run& run = *runs_.at(index);
  {
    const MutexLock lock(mutex_);
    while (!stopped_ && !run.is_read) changed_.Wait(mutex_);
  }
  if (stopped_) return "";
  const MutexLock lock(run.mutex);
  std::optional<ViewPosition>& seen = reader.seen.at(index);
  const ViewPosition now = run.view.position();
  if (seen == now) return "";
  std::string json = run.view.ToJson(seen.value_or(ViewPosition{}));
  seen = now;
  return json;
}

void ViewHub::Stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  for (const auto& run : runs_) run->watch.Wake();
}

bool ViewHub::is_ready() const {
  return std::ranges::all_of(
      runs_, [](const auto& run) { return run->is_read.load(); });
}

}  // namespace fedgap
