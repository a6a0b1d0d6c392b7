#include "server/server_settings.h"

namespace fedgap {

void BindServerSettings(ServerSettings& settings, ConfigSchema& schema) {
  schema.Section("server", "Where the server listens and keeps the run.")
      .Text("listen", &settings.listen, "address:port; port 0 takes a free one")
      .Text("certs", &settings.certs,
            "Directory with identity.pem and ca.pem (fedgap certs)")
      .Switch("insecure", &settings.insecure,
              "No TLS, for clients on this machine only")
      .Switch("insecure_anywhere", &settings.insecure_anywhere,
              "With insecure: for any machine; the network must be trusted")
      .Text("run_dir", &settings.run_dir,
            "Where the run is kept; empty: runs/<run.name>")
      .Text("port_file", &settings.port_file,
            "Write the port to this file once the server listens")
      .Switch("quiet", &settings.quiet, "No line for each round")
      .Choice("log_level", &settings.log_level,
              {"debug", "info", "warning", "error", "off"},
              "What goes to stderr")
      .Text("log_file", &settings.log_file, "Also log to this file, rotated");
}

}  // namespace fedgap
