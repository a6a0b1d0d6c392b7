#include "server/server_settings.h"

namespace fedgap {

void BindServerSettings(ServerSettings& settings, ConfigSchema& schema) {
  ConfigSection section =
      schema.Section("server", "Where the server listens and keeps the run.");
  section.Text("listen", &settings.listen,
               "address:port; port 0 takes a free one");
  BindAccess(settings.access, section);
  section
      .Text("revocations", &settings.revocations,
            "The list of revoked certificates (fedgap certs revoke), looked at "
            "once a second; empty: crl.pem in the directory of certs")
      .Texts("allowed_clients", &settings.allowed_clients,
             "Only clients of these names may take part; none: every one with "
             "a certificate")
      .Text("run_dir", &settings.run_dir,
            "Where the run is kept; empty: runs/<run.name>")
      .Text("port_file", &settings.port_file,
            "Write the port to this file once the server listens")
      .Text("dashboard", &settings.dashboard,
            "Show the run in a browser at this address:port (port 0 takes a "
            "free one); beyond this machine it asks for a token and, unless "
            "access is insecure, speaks HTTPS with the server's identity")
      .Text("dashboard_token_file", &settings.dashboard_token_file,
            "The token that the dashboard asks for; empty: one is made up "
            "where one is needed")
      .Switch("quiet", &settings.quiet, "No line for each round");
  BindLog(settings.log, section);
}

}  // namespace fedgap
