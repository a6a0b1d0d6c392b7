#include "server/server_settings.h"

#include <gtest/gtest.h>

#include "tests/testing/generated_doc.h"
#include "tests/testing/project_tree.h"

namespace fedgap {
namespace {

TEST(ServerSettingsTest, TheReferenceIsUpToDate) {
  ServerSettings defaults;
  ConfigSchema schema;
  BindServerSettings(defaults, schema);
  ExpectGeneratedPart(SourceDir() / "docs/CONFIG.md", "server keys",
                      schema.Reference());
}

}  // namespace
}  // namespace fedgap
