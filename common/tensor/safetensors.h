// The safetensors file format (huggingface/safetensors, README "Format"): 8
// bytes of little-endian header length, a JSON header of names, types, shapes
// and byte ranges, then the data. PyTorch, numpy and JAX read it as it is.
#ifndef FEDGAP_COMMON_TENSOR_SAFETENSORS_H_
#define FEDGAP_COMMON_TENSOR_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/parameters.h"
#include "common/tensor/shape.h"

namespace fedgap {

using SafetensorsMetadata = std::map<std::string, std::string>;

// Collects tensors and gives the file's bytes. The same input gives the same
// bytes. Tensors stand in the order in which they are added. Movable; not
// thread-safe.
class SafetensorsWriter {
 public:
  explicit SafetensorsWriter(SafetensorsMetadata metadata = {})
      : metadata_(std::move(metadata)) {}

  // `name` is unique and not "__metadata__"; `values` has shape.elements()
  // items and must stay as long as the writer is used.
  void Add(std::string name, Shape shape, std::span<const float> values);
  void Add(std::string name, Shape shape, std::span<const std::int64_t> values);
  // Keeps the values.
  void AddOwned(std::string name, Shape shape,
                std::vector<std::int64_t> values);

  // The file's bytes one after the other, without a copy of the tensors: good
  // until the next call or the writer's end.
  std::vector<std::span<const std::uint8_t>> Pieces();
  // In one.
  std::vector<std::uint8_t> Finish();

 private:
  struct Entry {
    std::string name;
    std::string dtype;
    Shape shape;
    std::span<const std::uint8_t> bytes;
  };
  void AddEntry(Entry entry);
  std::vector<std::uint8_t> Head() const;

  SafetensorsMetadata metadata_;
  std::vector<Entry> entries_;
  std::vector<std::vector<std::int64_t>> owned_;
  std::vector<std::uint8_t> head_;  // of Pieces
};

// A file read into memory and checked. Immutable; thread-safe.
class SafetensorsFile {
 public:
  struct Tensor {
    std::string name;
    std::string dtype;  // "F32", "I64", ...
    Shape shape;
    std::uint64_t begin = 0;  // bytes of the data part
    std::uint64_t end = 0;
  };

  // DATA_LOSS, saying what is wrong: a short or absurd header, no JSON, byte
  // ranges that overlap, leave gaps or run past the end, shapes that don't fit
  // theirs. Safe on bytes from anywhere.
  static StatusOr<SafetensorsFile> Parse(std::vector<std::uint8_t> bytes);

  const SafetensorsMetadata& metadata() const { return metadata_; }
  // A metadata value, or "" if there is none.
  std::string metadata(const std::string& key) const;
  // In the order of their bytes.
  const std::vector<Tensor>& tensors() const { return tensors_; }
  // Null if there is none of the name.
  const Tensor* Find(std::string_view name) const;

  // A tensor's values. NOT_FOUND, or INVALID_ARGUMENT if it has another dtype
  // (both are named).
  StatusOr<Parameters> Float32(std::string_view name) const;
  StatusOr<std::vector<std::int64_t>> Int64(std::string_view name) const;

 private:
  StatusOr<std::span<const std::uint8_t>> Bytes(std::string_view name,
                                                std::string_view dtype) const;

  SafetensorsMetadata metadata_;
  std::vector<Tensor> tensors_;
  std::vector<std::uint8_t> bytes_;  // the whole file
  std::size_t data_begin_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TENSOR_SAFETENSORS_H_
