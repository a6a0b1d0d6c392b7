// What stands in pieces, in one.
#ifndef FEDGAP_TESTS_TESTING_JOINED_H_
#define FEDGAP_TESTS_TESTING_JOINED_H_

#include <cstdint>
#include <string>

#include "common/base/byte_pieces.h"

namespace fedgap {

inline std::string Joined(const BytePieces& pieces) {
  std::string text(static_cast<std::size_t>(pieces.size()), '\0');
  pieces.CopyTo(reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_JOINED_H_
