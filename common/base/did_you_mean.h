// Suggestions for misspelt names.
#ifndef FEDGAP_COMMON_BASE_DID_YOU_MEAN_H_
#define FEDGAP_COMMON_BASE_DID_YOU_MEAN_H_

#include <span>
#include <string>
#include <string_view>

namespace fedgap {

// Insertions, deletions, substitutions and swaps of neighbours that turn `a`
// into `b` (optimal string alignment distance).
int EditDistance(std::string_view a, std::string_view b);

// "; did you mean 'rounds'?" for the nearest of `known` if it is near enough
// (a third of the word), else "". Appended to an error about `word`.
std::string DidYouMean(std::string_view word,
                       std::span<const std::string> known);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_DID_YOU_MEAN_H_
