// Errors of what a program was asked to do, apart from those of doing it.
#ifndef FEDGAP_COMMON_BASE_WRONG_USAGE_H_
#define FEDGAP_COMMON_BASE_WRONG_USAGE_H_

#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// INVALID_ARGUMENT for a word of the command line, a variable or a line of a
// configuration that cannot be right, whatever the machine: asking again does
// not help, and programs end with another code (docs/COMMAND_LINE.md).
Status WrongUsage(std::string_view message);

// Whether the status is such an error; Annotate keeps that.
bool IsWrongUsage(const Status& status);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_WRONG_USAGE_H_
