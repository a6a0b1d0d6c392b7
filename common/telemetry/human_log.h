// What a person reads while a program runs: lines on stderr, and in a rotating
// file if one is wanted; or, where a collector of logs reads them, JSON objects
// on stdout, {"time", "level", "message"}, the time in UTC. Events are not
// written here (event_log.h).
#ifndef FEDGAP_COMMON_TELEMETRY_HUMAN_LOG_H_
#define FEDGAP_COMMON_TELEMETRY_HUMAN_LOG_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };
// "debug", "info", "warning", "error", "off".
StatusOr<LogLevel> LogLevelFromString(std::string_view text);

enum class LogFormat { kText, kJson };
// "text", "json".
StatusOr<LogFormat> LogFormatFromString(std::string_view text);

// Thread-safe. Passed to whom it concerns: there is no global logger. Control
// characters in a message (names and reasons come from outside), as
// printable_text.h names them, are shown as '?' and bytes that are no UTF-8 as
// U+FFFD, so that no client can steer a terminal or forge a line.
class HumanLog {
 public:
  struct Options {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kText;
    // Also written here unless empty, rotated at `file_bytes`, `files` kept.
    std::filesystem::path file;
    std::int64_t file_bytes = std::int64_t{10} << 20;
    int files = 3;
    // As text on stderr, with coloured levels if it is a terminal; as JSON on
    // stdout.
    bool to_console = true;
  };

  // PERMISSION_DENIED or NOT_FOUND if the file cannot be written.
  static StatusOr<std::unique_ptr<HumanLog>> Create(const Options& options);
  ~HumanLog();

  void Debug(std::string_view message) { Write(LogLevel::kDebug, message); }
  void Info(std::string_view message) { Write(LogLevel::kInfo, message); }
  void Warning(std::string_view message) { Write(LogLevel::kWarning, message); }
  void Error(std::string_view message) { Write(LogLevel::kError, message); }
  void Write(LogLevel level, std::string_view message);

 private:
  class Impl;
  explicit HumanLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `text` with '?' for every control character and U+FFFD for every byte that is
// no UTF-8.
std::string WithoutControls(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_HUMAN_LOG_H_
