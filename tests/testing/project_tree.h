// Where the sources and the built programs of a test are.
#ifndef FEDGAP_TESTS_TESTING_PROJECT_TREE_H_
#define FEDGAP_TESTS_TESTING_PROJECT_TREE_H_

#include <filesystem>

namespace fedgap {

// Functions rather than macros on the compiler's command line: these paths are
// then part of one object file and not of every test's, so that the compiler
// cache serves one checkout what another has built.
std::filesystem::path SourceDir();
std::filesystem::path BinaryDir();

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_PROJECT_TREE_H_
