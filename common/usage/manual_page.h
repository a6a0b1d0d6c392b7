// Manual pages.
#ifndef FEDGAP_COMMON_USAGE_MANUAL_PAGE_H_
#define FEDGAP_COMMON_USAGE_MANUAL_PAGE_H_

#include <string>

#include "common/usage/command_spec.h"

namespace fedgap {

// A page of section 1 in roff's man macros: every option, a part for each
// subcommand, the examples of the footers, the exit codes. `software` is its
// name and version ("fedgap 0.1.0").
std::string ManualPage(const CommandSpec& program, const std::string& software);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_USAGE_MANUAL_PAGE_H_
