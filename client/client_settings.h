// The [client] section of a configuration.
#ifndef FEDGAP_CLIENT_CLIENT_SETTINGS_H_
#define FEDGAP_CLIENT_CLIENT_SETTINGS_H_

#include <cstdint>
#include <string>

#include "common/config/config_schema.h"
#include "common/config/program_settings.h"

namespace fedgap {

// What a site decides for itself: where the server is, which data it has and
// which resources it gives. Nothing here changes how training is done.
struct ClientSettings {
  std::string server = "localhost:7443";
  AccessSettings access;
  std::string name;  // only without TLS; a certificate has it inside

  std::string data;
  std::string resolution;
  int channels = 0;
  std::string split = "train";
  double test_fraction = 0.2;
  std::string partition = "iid";
  std::string part;  // "2/6"
  std::uint64_t partition_seed = 1;
  std::string on_bad_image = "fail";

  std::string state_dir;
  int threads = 1;
  std::string isa;  // "": the fastest
  int give_up_after = 600;
  int keepalive_seconds = 25;
  LogSettings log;
};

// Declares every key over the fields of `settings`.
void BindClientSettings(ClientSettings& settings, ConfigSchema& schema);

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CLIENT_SETTINGS_H_
