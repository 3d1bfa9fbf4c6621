#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "simd/aligned.h"
#include "simd/int8_rows.h"
#include "simd/int8_unit.h"
#include "simd/panels.h"

namespace timbre::simd {

/// Weights in bytes, laid out once for products by them; immutable. Activations are rounded to bytes (to seven bits
/// where a unit holds no more) row by row, each on a scale of its own: a row's result is the same among any others.
/// A row that is not finite has none that is.
class Int8Matrix {
 public:
  /// What a product needs while it runs; one for each thread.
  struct Scratch {
    std::vector<std::uint8_t, LineAllocator<std::uint8_t>> bytes;
    std::vector<std::int32_t, LineAllocator<std::int32_t>> sums;
    std::vector<ByteScale> scales;
  };

  /// The most inputs whose sums cannot overflow.
  static constexpr std::size_t kMostInputs = 65536;

  /// weights: [outputs, inputs], at least -127, each times the step of its row. `unit` is one of int8_units().
  Int8Matrix(RowsOf<const std::int8_t> weights, std::span<const float> steps, Int8Unit unit);

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return panels_.outputs(); }

  /// x: [rows, inputs()]. to = relu(x times the weights + bias) * scale + shift; `to` may lie where x does.
  void multiply(ConstRows x, const ReluNorm& layer, Rows to, Scratch& scratch) const;
  void multiply(ConstBf16Rows x, const ReluNorm& layer, Bf16Rows to, Scratch& scratch) const;
  /// to = x times the weights.
  void multiply(ConstRows x, Rows to, Scratch& scratch) const;
  void multiply(ConstBf16Rows x, Rows to, Scratch& scratch) const;

 private:
  template <typename T, typename Finish>
  void by_blocks(RowsOf<const T> x, Scratch& scratch, const Finish& finish) const;

  std::size_t inputs_;
  Int8Unit unit_;
  ByteColumns columns_;
  Panels<Int8Block, std::int8_t> panels_;
};

}  // namespace timbre::simd
