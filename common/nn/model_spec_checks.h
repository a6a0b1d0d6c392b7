// The checks of a ModelSpec that need no graph. Used by model_graph.cc only.
#ifndef FEDGAP_COMMON_NN_MODEL_SPEC_CHECKS_H_
#define FEDGAP_COMMON_NN_MODEL_SPEC_CHECKS_H_

#include "common/base/status.h"
#include "common/nn/model_spec.h"

namespace fedgap {

// INVALID_ARGUMENT for another version, a bad name, impossible counts, a bad
// normalization, no nodes or too many.
Status CheckModelHeader(const ModelSpec& spec);

// INVALID_ARGUMENT for a name that no node may have.
Status CheckNodeName(const NodeSpec& spec, std::size_t index);

// INVALID_ARGUMENT for a field out of its range. Looks only at the fields that
// the op names.
Status CheckNodeFields(const NodeSpec& spec);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_MODEL_SPEC_CHECKS_H_
