#include "common/telemetry/human_log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <string>
#include <utility>
#include <vector>

namespace fedgap {
namespace {

constexpr std::pair<std::string_view, LogLevel> kLevels[] = {
    {"debug", LogLevel::kDebug},     {"info", LogLevel::kInfo},
    {"warning", LogLevel::kWarning}, {"error", LogLevel::kError},
    {"off", LogLevel::kOff},
};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

StatusOr<LogLevel> LogLevelFromString(std::string_view text) {
  for (const auto& [name, level] : kLevels) {
    if (text == name) return level;
  }
  return absl::InvalidArgumentError(fmt::format(
      "no log level \"{}\": use debug, info, warning, error or off", text));
}

class HumanLog::Impl {
 public:
  explicit Impl(std::vector<spdlog::sink_ptr> sinks)
      : logger_("fedgap", sinks.begin(), sinks.end()) {}
  spdlog::logger& logger() { return logger_; }

 private:
  spdlog::logger logger_;
};

StatusOr<std::unique_ptr<HumanLog>> HumanLog::Create(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    if (options.to_stderr) {
      sinks.push_back(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    }
    if (!options.file.empty()) {
      sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          options.file.string(), static_cast<std::size_t>(options.file_bytes),
          static_cast<std::size_t>(options.files)));
    }
  } catch (const spdlog::spdlog_ex& error) {
    return absl::PermissionDeniedError(fmt::format(
        "cannot write the log {}: {}", options.file.string(), error.what()));
  }
  auto impl = std::make_unique<Impl>(std::move(sinks));
  impl->logger().set_level(ToSpdlog(options.level));
  impl->logger().set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
  impl->logger().flush_on(spdlog::level::info);
  return std::unique_ptr<HumanLog>(new HumanLog(std::move(impl)));
}

HumanLog::HumanLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HumanLog::~HumanLog() = default;

void HumanLog::Write(LogLevel level, std::string_view message) {
  impl_->logger().log(ToSpdlog(level), WithoutControls(message));
}

std::string WithoutControls(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return clean;
}

}  // namespace fedgap
