#include "common/telemetry/human_log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/printable_text.h"

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

spdlog::sink_ptr ConsoleSink(LogFormat format) {
  if (format == LogFormat::kJson) {
    return std::make_shared<spdlog::sinks::stdout_sink_mt>();
  }
  return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
}

// In JSON the message comes to the logger quoted (Quoted).
std::unique_ptr<spdlog::formatter> Formatter(LogFormat format) {
  if (format == LogFormat::kJson) {
    return std::make_unique<spdlog::pattern_formatter>(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%v})",
        spdlog::pattern_time_type::utc);
  }
  return std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
}

// A JSON string, of UTF-8.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace);
}

}  // namespace

StatusOr<LogFormat> LogFormatFromString(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return absl::InvalidArgumentError(
      fmt::format("no log format \"{}\": use text or json", text));
}

StatusOr<LogLevel> LogLevelFromString(std::string_view text) {
  for (const auto& [name, level] : kLevels) {
    if (text == name) return level;
  }
  return absl::InvalidArgumentError(fmt::format(
      "no log level \"{}\": use debug, info, warning, error or off", text));
}

class HumanLog::Impl {
 public:
  Impl(std::vector<spdlog::sink_ptr> sinks, LogFormat format)
      : logger_("fedgap", sinks.begin(), sinks.end()), format_(format) {
    logger_.set_formatter(Formatter(format));
    logger_.flush_on(spdlog::level::info);
  }
  spdlog::logger& logger() { return logger_; }
  LogFormat format() const { return format_; }

 private:
  spdlog::logger logger_;
  const LogFormat format_;
};

StatusOr<std::unique_ptr<HumanLog>> HumanLog::Create(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    if (options.to_console) sinks.push_back(ConsoleSink(options.format));
    if (!options.file.empty()) {
      sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          options.file.string(), static_cast<std::size_t>(options.file_bytes),
          static_cast<std::size_t>(options.files)));
    }
  } catch (const spdlog::spdlog_ex& error) {
    return absl::PermissionDeniedError(fmt::format(
        "cannot write the log {}: {}", options.file.string(), error.what()));
  }
  auto impl = std::make_unique<Impl>(std::move(sinks), options.format);
  impl->logger().set_level(ToSpdlog(options.level));
  return std::unique_ptr<HumanLog>(new HumanLog(std::move(impl)));
}

HumanLog::HumanLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HumanLog::~HumanLog() = default;

void HumanLog::Write(LogLevel level, std::string_view message) {
  const std::string clean = WithoutControls(message);
  impl_->logger().log(ToSpdlog(level), impl_->format() == LogFormat::kJson
                                           ? Quoted(clean)
                                           : clean);
}

std::string WithoutControls(std::string_view text) {
  return MakePrintable(text);
}

}  // namespace fedgap
