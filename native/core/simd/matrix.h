#pragma once

#include <cstddef>

namespace timbre::simd {

/// out[r][c] = sum over i < depth of left[i][r] * right[i][c], all in rows as far apart as their steps say.
struct MatrixProduct {
  const float* left;
  std::size_t left_step;
  const float* right;
  std::size_t right_step;
  std::size_t depth;
  std::size_t rows;     ///< a multiple of 2
  std::size_t columns;  ///< a multiple of 16
  float* out;
  std::size_t out_step;
  const float* bias = nullptr;  ///< of each row of the result
  bool onto = false;            ///< what lies in `out` is added, and no bias
  bool relu = false;            ///< negative results become 0
};

void multiply(const MatrixProduct& product);

/// out[c][r] = in[r][c] of 4 rows; `columns` is a multiple of 4.
void transpose_four_rows(const float* in, std::size_t in_step, std::size_t columns, float* out, std::size_t out_step);

}  // namespace timbre::simd
