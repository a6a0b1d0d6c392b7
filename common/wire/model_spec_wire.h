// ModelSpec on the wire.
#ifndef FEDGAP_COMMON_WIRE_MODEL_SPEC_WIRE_H_
#define FEDGAP_COMMON_WIRE_MODEL_SPEC_WIRE_H_

#include "common/base/status.h"
#include "common/nn/model_spec.h"
#include "fedgap/v1/model_spec.pb.h"

namespace fedgap {

v1::ModelSpec ToProto(const ModelSpec& spec);

// Checks the form: lengths, ranges, enums, finite numbers; Model::Create
// checks the graph. INVALID_ARGUMENT for anything else, an unknown field in
// any part included; FAILED_PRECONDITION for another version, naming both.
StatusOr<ModelSpec> FromProto(const v1::ModelSpec& proto);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_MODEL_SPEC_WIRE_H_
