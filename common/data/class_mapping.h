// From a data set's own numbering of its classes to the federation's.
#ifndef FEDGAP_COMMON_DATA_CLASS_MAPPING_H_
#define FEDGAP_COMMON_DATA_CLASS_MAPPING_H_

#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_source.h"

namespace fedgap {

// The federation's label of each of `own`. By name where the federation knows
// every one: a folder that lacks a class numbers the others differently. A set
// without names (none, or "0", "1", ... as IDX files get them) keeps its
// numbers otherwise, and every set does where the federation has no names.
// INVALID_ARGUMENT: names that the federation does not know, naming both lists.
StatusOr<std::vector<int>> MapClasses(
    const std::vector<std::string>& own,
    const std::vector<std::string>& federation);

// `data` (which must outlive it) with the federation's names and labels; null
// where its labels are the federation's already. The errors of MapClasses.
StatusOr<std::unique_ptr<const DataSource>> WithClassesOf(
    const std::vector<std::string>& federation, const DataSource& data);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_CLASS_MAPPING_H_
