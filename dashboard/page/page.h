// The dashboard as one self-contained HTML document: style, chart library,
// script and data inside. Its Content-Security-Policy lets a browser run
// nothing but the scripts whose SHA-256 stands in it, and ask no other host
// for anything.
#ifndef FEDGAP_DASHBOARD_PAGE_PAGE_H_
#define FEDGAP_DASHBOARD_PAGE_PAGE_H_

#include <string>
#include <string_view>

namespace fedgap {

enum class PageUse {
  kFile,    // opens from a file and asks nobody for anything
  kServed,  // may ask the server that it came from
};

// `data` is JSON without '<' (ForScript of dashboard/model): an object with
// `runs`, a list of what RunJson gives, and `live`, whether the server pushes
// more. Thread-safe.
std::string MakePage(std::string_view data, PageUse use = PageUse::kFile);

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_PAGE_PAGE_H_
