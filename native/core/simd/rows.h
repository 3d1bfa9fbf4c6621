#pragma once

#include <cstddef>

/// Loops over numbers in vector registers, with the instructions of the processor that they run on. Highway chooses
/// them once, at the first call.
namespace timbre::simd {

/// A rectangle of a row-major matrix that lies elsewhere. Of a network's activations rows are frames and columns
/// channels.
template <typename T>
struct RowsOf {
  T* data = nullptr;
  std::size_t count = 0;
  std::size_t width = 0;
  std::size_t step = 0;  ///< values from one row to the next

  T* row(std::size_t i) const { return data + i * step; }
  RowsOf part(std::size_t first, std::size_t rows) const { return {row(first), rows, width, step}; }
  RowsOf columns(std::size_t first, std::size_t number) const { return {data + first, count, number, step}; }
  operator RowsOf<const T>() const { return {data, count, width, step}; }
};
using Rows = RowsOf<float>;
using ConstRows = RowsOf<const float>;

}  // namespace timbre::simd
