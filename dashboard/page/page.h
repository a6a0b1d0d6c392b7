// The dashboard as one self-contained HTML document: style, chart library,
// script and data inside. It opens from a file, asks no host for anything, and
// its Content-Security-Policy lets a browser run nothing but the scripts whose
// SHA-256 stands in it.
#ifndef FEDGAP_DASHBOARD_PAGE_PAGE_H_
#define FEDGAP_DASHBOARD_PAGE_PAGE_H_

#include <string>
#include <string_view>

namespace fedgap {

// `data` is JSON without '<' (ForScript of dashboard/model): an object with
// `runs`, a list of what RunJson gives. Thread-safe.
std::string MakePage(std::string_view data);

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_PAGE_PAGE_H_
