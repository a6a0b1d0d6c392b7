#include "server/server_settings.h"

#include <gtest/gtest.h>

#include "tests/testing/generated_doc.h"

namespace fedgap {
namespace {

TEST(ServerSettingsTest, TheReferenceIsUpToDate) {
  ServerSettings defaults;
  ConfigSchema schema;
  BindServerSettings(defaults, schema);
  ExpectGeneratedPart(FEDGAP_SOURCE_DIR "/docs/CONFIG.md", "server keys",
                      schema.Reference());
}

}  // namespace
}  // namespace fedgap
