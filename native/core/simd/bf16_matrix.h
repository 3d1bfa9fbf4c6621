#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "simd/aligned.h"
#include "simd/bf16.h"
#include "simd/bf16_unit.h"
#include "simd/panels.h"
#include "simd/passes.h"

namespace timbre::simd {

/// Weights of a convolution in bf16, laid out once for products by it; immutable.
class Bf16Matrix {
 public:
  /// What a product needs while it runs; one for each thread.
  struct Scratch {
    AlignedFloats sums;
    std::vector<std::ptrdiff_t> offsets;
  };

  /// Rows are read in groups of so many: as many lie behind the first of the last group, whatever they hold.
  static constexpr std::size_t kRowsTogether = Bf16Block::kHalf;

  /// weights: [outputs, taps * inputs], rounded here. `unit` is one of bf16_units().
  Bf16Matrix(ConstRows weights, std::size_t taps, Bf16Unit unit);

  std::size_t taps() const { return taps_; }
  std::size_t outputs() const { return panels_.outputs(); }
  /// Of each tap.
  std::size_t inputs() const { return inputs_; }
  /// Inputs as a row has to hold them: a whole number of steps. Those beyond have no weight, and must be numbers.
  std::size_t padded_inputs() const {
    return (inputs_ + Bf16Block::kDepth - 1) / Bf16Block::kDepth * Bf16Block::kDepth;
  }

  /// x: [rows, padded_inputs()] as the first tap reads them; every other tap reads `tap_step` values further on.
  /// to = relu(x times the weights + bias) * scale + shift, rounded.
  void multiply(ConstBf16Rows x, std::size_t tap_step, const ReluNorm& layer, Bf16Rows to, Scratch& scratch) const;
  /// to = x times the weights.
  void multiply(ConstBf16Rows x, std::size_t tap_step, Rows to, Scratch& scratch) const;

 private:
  template <typename Finish>
  void by_blocks(ConstBf16Rows x, std::size_t tap_step, Scratch& scratch, const Finish& finish) const;

  std::size_t taps_ = 1;
  std::size_t inputs_ = 0;
  Bf16Unit unit_;
  Panels<Bf16Block, Bf16> panels_;
};

}  // namespace timbre::simd
