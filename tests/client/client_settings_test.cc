#include "client/client_settings.h"

#include <gtest/gtest.h>

#include "tests/testing/generated_doc.h"
#include "tests/testing/project_tree.h"

namespace fedgap {
namespace {

TEST(ClientSettingsTest, TheReferenceIsUpToDate) {
  ClientSettings defaults;
  ConfigSchema schema;
  BindClientSettings(defaults, schema);
  ExpectGeneratedPart(SourceDir() / "docs/CONFIG.md", "client keys",
                      schema.Reference());
}

}  // namespace
}  // namespace fedgap
