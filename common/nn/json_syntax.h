// JSON from outside, before it is parsed. Used by model_spec_reader.cc only.
#ifndef FEDGAP_COMMON_NN_JSON_SYNTAX_H_
#define FEDGAP_COMMON_NN_JSON_SYNTAX_H_

#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// INVALID_ARGUMENT with line and column for what is no JSON, for a key that
// stands twice in one object (a parser would keep one of them in silence), for
// nesting deeper than 16 levels.
Status CheckJsonSyntax(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_JSON_SYNTAX_H_
