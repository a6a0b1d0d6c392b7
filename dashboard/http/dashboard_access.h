// Who may look at a dashboard.
#ifndef FEDGAP_DASHBOARD_HTTP_DASHBOARD_ACCESS_H_
#define FEDGAP_DASHBOARD_HTTP_DASHBOARD_ACCESS_H_

#include <filesystem>
#include <string>

#include "common/base/status.h"
#include "dashboard/http/dashboard_server.h"

namespace fedgap {

// The token in `file`, its white space at the ends left out; without a file ""
// or, where one is `needed`, 32 hexadecimal digits from the system's random
// numbers. Errors: the file cannot be read, INVALID_ARGUMENT for a token of
// fewer than 16 characters or others than letters, digits, '-' and '_'.
StatusOr<std::string> DashboardToken(const std::filesystem::path& file,
                                     bool needed);

// Sets the token of `options`, one made up where it listens beyond this
// machine without a `file`; only that one is part of the server's url().
Status SetToken(const std::filesystem::path& file,
                DashboardServer::Options& options);

// What whoever starts it must hear; "": nothing.
std::string AccessWarning(const DashboardServer::Options& options);

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_HTTP_DASHBOARD_ACCESS_H_
