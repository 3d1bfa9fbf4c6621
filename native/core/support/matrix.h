#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace timbre {

/// Row-major float matrix; features are frames x coefficients.
struct Matrix {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<float> values;

  Matrix() = default;
  Matrix(std::size_t rows, std::size_t cols) : rows(rows), cols(cols), values(rows * cols) {}

  std::span<float> row(std::size_t r) { return {values.data() + r * cols, cols}; }
  std::span<const float> row(std::size_t r) const { return {values.data() + r * cols, cols}; }
};

}  // namespace timbre
