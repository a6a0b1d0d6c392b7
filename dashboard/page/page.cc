#include "dashboard/page/page.h"

#include <array>
#include <utility>

#include "common/base/check.h"
#include "common/crypto/base64.h"
#include "common/crypto/sha256.h"

namespace fedgap {

// Made from dashboard/web by cmake/EmbedFiles.cmake.
extern const char* const kPageTemplate;
extern const char* const kPageStyle;
extern const char* const kPageLibrary;
extern const char* const kPageScript;

namespace {

std::string Allow(const char* text) {
  return " 'sha256-" + ToBase64(Sha256Of(std::string_view(text))) + "'";
}

// Charts set styles by the object model, which the policy does not hinder;
// pictures are drawn from blobs of the page's own.
std::string Policy(PageUse use) {
  const char* connect = use == PageUse::kServed ? "connect-src 'self'; " : "";
  return std::string(connect) +
         "default-src 'none'; base-uri 'none'; form-action 'none'; "
         "img-src data: blob:; style-src" +
         Allow(kPageStyle) + "; script-src" + Allow(kPageLibrary) +
         Allow(kPageScript);
}

}  // namespace

std::string MakePage(std::string_view data, PageUse use) {
  const std::string policy = Policy(use);
  const std::array<std::pair<std::string_view, std::string_view>, 5> parts = {
      {{"{{policy}}", policy},
       {"{{style}}", kPageStyle},
       {"{{data}}", data},
       {"{{library}}", kPageLibrary},
       {"{{script}}", kPageScript}}};
  // In the template's order, so that nothing is looked for in what was put in.
  std::string page;
  std::string_view rest = kPageTemplate;
  for (const auto& [name, text] : parts) {
    const auto at = rest.find(name);
    FEDGAP_CHECK(at != std::string_view::npos);
    page.append(rest.substr(0, at)).append(text);
    rest.remove_prefix(at + name.size());
  }
  return page.append(rest);
}

}  // namespace fedgap
