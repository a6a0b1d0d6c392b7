// --completion and --manual: how a program describes its own command line.
#ifndef FEDGAP_COMMON_USAGE_SELF_DESCRIPTION_H_
#define FEDGAP_COMMON_USAGE_SELF_DESCRIPTION_H_

#include <optional>
#include <string>

#include "common/usage/command_spec.h"

namespace fedgap {

// One thread at a time.
class SelfDescription {
 public:
  // Declares --completion SHELL and --manual. `app` must outlive this, and
  // this the parsing.
  explicit SelfDescription(CLI::App& app);
  SelfDescription(const SelfDescription&) = delete;
  SelfDescription& operator=(const SelfDescription&) = delete;

  // After parsing, what to print instead of running; absent if nothing of it
  // was asked for.
  std::optional<std::string> Asked() const;

 private:
  const CLI::App& app_;
  std::string shell_;
  bool manual_ = false;
};

// The completion script of `app` for "bash" or "zsh".
std::string Completion(const CLI::App& app, const std::string& shell);
// Its manual page.
std::string Manual(const CLI::App& app);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_USAGE_SELF_DESCRIPTION_H_
