// Asks a completion script, in a real bash, what it offers.
#ifndef FEDGAP_TESTS_TESTING_BASH_COMPLETER_H_
#define FEDGAP_TESTS_TESTING_BASH_COMPLETER_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/testing/process.h"

namespace fedgap {

// What `script` offers, sorted, when Tab is pressed behind `line` in
// `directory`. The words are cut as readline cuts them; quotes are not known,
// backslashes are.
inline std::vector<std::string> CompleteInBash(
    const std::filesystem::path& script, const std::string& line,
    const std::filesystem::path& directory = ".") {
  // Readline parts words at = and : too, and keeps those as words.
  constexpr char kAsk[] = R"sh(
cd "$2" && source "$1" || exit 9
COMP_LINE=$3 COMP_POINT=${#3} COMP_WORDS=()
rest=$COMP_LINE
while [[ -n $rest ]]; do
  if [[ $rest =~ ^[[:space:]]+ ]]; then :
  elif [[ $rest =~ ^[=:]+ || $rest =~ ^(\\.|[^=:[:space:]])+ ]]; then
    COMP_WORDS+=("${BASH_REMATCH[0]}")
  fi
  rest=${rest:${#BASH_REMATCH[0]}}
done
[[ $COMP_LINE == *[[:space:]] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
how=$(complete -p "${COMP_WORDS[0]##*/}") || exit 8
function=${how#*-F }
"${function%% *}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" ''
[[ $? == 124 ]] && {
  how=$(complete -p "${COMP_WORDS[0]##*/}")
  function=${how#*-F }
  "${function%% *}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" ''
}
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
)sh";
  const ProgramResult result =
      RunProgram({"/bin/bash", "--norc", "-c", kAsk, "ask", script.string(),
                  directory.string(), line});
  EXPECT_EQ(result.exit_code, 0) << line << ": " << result.err;
  EXPECT_EQ(result.err, "") << line;
  std::vector<std::string> offers;
  for (std::string_view rest = result.out; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    offers.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::ranges::sort(offers);
  return offers;
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_BASH_COMPLETER_H_
