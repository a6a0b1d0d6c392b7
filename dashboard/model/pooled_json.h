// Private to dashboard/model.
#ifndef FEDGAP_DASHBOARD_MODEL_POOLED_JSON_H_
#define FEDGAP_DASHBOARD_MODEL_POOLED_JSON_H_

#include <nlohmann/json_fwd.hpp>

#include "dashboard/model/pooled_view.h"

namespace fedgap {

nlohmann::ordered_json PooledJson(const PooledView& pooled);

// `value` to six significant digits, so that JSON holds no more.
double ShortNumber(double value);

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_POOLED_JSON_H_
