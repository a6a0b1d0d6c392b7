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
      .Integer("max_calls_per_second", &settings.limits.calls_per_second,
               ConfigRange::Between(0, 1'000'000),
               "of one client, beyond those that its tasks call for; ten "
               "seconds' worth may come at once; 0: any number")
      .Integer("max_open_calls", &settings.limits.open_calls,
               ConfigRange::Between(0, 1'000'000),
               "of one client at a time (an honest one has three); 0: any "
               "number")
      .Integer("max_connections", &settings.max_connections,
               ConfigRange::Between(1, 1'000'000),
               "in all, at the most; fewer where the system has not the file "
               "descriptors (ulimit -n) for so many")
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
