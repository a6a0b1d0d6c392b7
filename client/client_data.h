// From a client's settings to its images.
#ifndef FEDGAP_CLIENT_CLIENT_DATA_H_
#define FEDGAP_CLIENT_CLIENT_DATA_H_

#include "client/client_settings.h"
#include "common/base/status.h"
#include "common/data/data_spec.h"

namespace fedgap {

// Loads what the settings name: the part, split and resolution that they ask
// for. INVALID_ARGUMENT for settings that make no sense ("part = 7/6"), else
// the errors of LoadData.
StatusOr<LoadedData> LoadClientData(const ClientSettings& settings);

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CLIENT_DATA_H_
