#include "server/server_settings.h"

namespace fedgap {

void BindServerSettings(ServerSettings& settings, ConfigSchema& schema) {
  ConfigSection section =
      schema.Section("server", "Where the server listens and keeps the run.");
  section.Text("listen", &settings.listen,
               "address:port; port 0 takes a free one");
  BindAccess(settings.access, section);
  section
      .Text("run_dir", &settings.run_dir,
            "Where the run is kept; empty: runs/<run.name>")
      .Text("port_file", &settings.port_file,
            "Write the port to this file once the server listens")
      .Switch("quiet", &settings.quiet, "No line for each round");
  BindLog(settings.log, section);
}

}  // namespace fedgap
