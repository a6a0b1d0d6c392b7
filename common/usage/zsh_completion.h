// Completion for zsh.
#ifndef FEDGAP_COMMON_USAGE_ZSH_COMPLETION_H_
#define FEDGAP_COMMON_USAGE_ZSH_COMPLETION_H_

#include <string>

#include "common/usage/command_spec.h"

namespace fedgap {

// A function file (_fedgap, in a directory of fpath) that may also be sourced
// after compinit. It completes what BashCompletion does, with descriptions.
std::string ZshCompletion(const CommandSpec& program);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_USAGE_ZSH_COMPLETION_H_
