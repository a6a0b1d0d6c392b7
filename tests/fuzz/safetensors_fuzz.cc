// A file from outside never crashes the reader, and what it accepts can be
// read and written again.
#include <cstdint>
#include <vector>

#include "common/base/check.h"
#include "common/tensor/safetensors.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto file =
      SafetensorsFile::Parse(std::vector<std::uint8_t>(data, data + size));
  if (!file.ok()) return 0;
  std::vector<Parameters> values;
  std::vector<std::vector<std::int64_t>> integers;
  SafetensorsWriter writer(file->metadata());
  values.reserve(file->tensors().size());
  for (const auto& tensor : file->tensors()) {
    if (tensor.dtype == "I64") {
      const auto numbers = file->Int64(tensor.name);
      FEDGAP_CHECK(numbers.ok());
      FEDGAP_CHECK(std::ssize(*numbers) == tensor.shape.elements());
      integers.push_back(*numbers);
      writer.AddOwned(tensor.name, tensor.shape, *numbers);
      continue;
    }
    if (tensor.dtype != "F32") continue;
    auto floats = file->Float32(tensor.name);
    FEDGAP_CHECK(floats.ok());
    values.push_back(*std::move(floats));
    writer.Add(tensor.name, tensor.shape, values.back());
  }
  const auto again = SafetensorsFile::Parse(writer.Finish());
  FEDGAP_CHECK(again.ok());
  FEDGAP_CHECK(again->tensors().size() == values.size() + integers.size());
  return 0;
}

}  // namespace fedgap
