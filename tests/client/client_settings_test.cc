#include "client/client_settings.h"

#include <gtest/gtest.h>

#include "tests/testing/generated_doc.h"

namespace fedgap {
namespace {

TEST(ClientSettingsTest, TheReferenceIsUpToDate) {
  ClientSettings defaults;
  ConfigSchema schema;
  BindClientSettings(defaults, schema);
  ExpectGeneratedPart(FEDGAP_SOURCE_DIR "/docs/CONFIG.md", "client keys",
                      schema.Reference());
}

}  // namespace
}  // namespace fedgap
