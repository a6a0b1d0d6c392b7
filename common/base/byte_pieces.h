// Bytes that stand in several places.
#ifndef FEDGAP_COMMON_BASE_BYTE_PIECES_H_
#define FEDGAP_COMMON_BASE_BYTE_PIECES_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace fedgap {

// A view of bytes in order, piece by piece: what a network brought, where it
// was put down. Borrows; no piece is empty.
class BytePieces {
 public:
  using Piece = std::span<const std::uint8_t>;

  BytePieces() = default;
  // One piece, or none: a span is such a view.
  BytePieces(Piece bytes)  // NOLINT(google-explicit-constructor)
      : BytePieces() {
    Add(bytes);
  }

  void Add(Piece piece) {
    if (!piece.empty()) pieces_.push_back(piece);
  }

  std::int64_t size() const {
    std::int64_t size = 0;
    for (const Piece piece : pieces_) size += std::ssize(piece);
    return size;
  }
  bool empty() const { return pieces_.empty(); }
  std::vector<Piece>::const_iterator begin() const { return pieces_.begin(); }
  std::vector<Piece>::const_iterator end() const { return pieces_.end(); }

  // `out` has room for size() bytes.
  void CopyTo(std::uint8_t* out) const {
    for (const Piece piece : pieces_) out = std::ranges::copy(piece, out).out;
  }

 private:
  std::vector<Piece> pieces_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_BYTE_PIECES_H_
