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
  Matrix(std::size_t r, std::size_t c) : rows(r), cols(c), values(r * c) {}

  std::span<float> row(std::size_t r) { return {values.data() + r * cols, cols}; }
  std::span<const float> row(std::size_t r) const { return {values.data() + r * cols, cols}; }
};

}  // namespace timbre
