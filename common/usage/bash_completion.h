// Completion for bash.
#ifndef FEDGAP_COMMON_USAGE_BASH_COMPLETION_H_
#define FEDGAP_COMMON_USAGE_BASH_COMPLETION_H_

#include <string>

#include "common/usage/command_spec.h"

namespace fedgap {

// A script for bash 4 and later that completes `program`: subcommands, options,
// and files, directories, runs or choices where they are wanted. It needs
// nothing beside itself. That of `fedgap` also completes the other programs,
// by the scripts that they print (self_description.h).
std::string BashCompletion(const CommandSpec& program);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_USAGE_BASH_COMPLETION_H_
