#include "tests/testing/project_tree.h"

namespace fedgap {

std::filesystem::path SourceDir() { return FEDGAP_SOURCE_DIR; }
std::filesystem::path BinaryDir() { return FEDGAP_BINARY_DIR; }

}  // namespace fedgap
