#include "simd/bf16_matrix.h"

#include <algorithm>

namespace timbre::simd {

Bf16Matrix::Bf16Matrix(ConstRows weights, std::size_t taps, Bf16Unit unit)
    : taps_(taps), inputs_(weights.width / taps), unit_(unit) {
  const std::size_t padded = padded_inputs();
  panels_ = {weights.count, taps * padded / Bf16Block::kDepth, [&](std::size_t column, std::size_t position) {
               const std::size_t at = position % padded;
               return at < inputs_ ? to_bf16(weights.row(column)[position / padded * inputs_ + at]) : Bf16{0};
             }};
}

template <typename Finish>
void Bf16Matrix::by_blocks(ConstBf16Rows x, std::size_t tap_step, Scratch& scratch, const Finish& finish) const {
  constexpr std::size_t kDepth = Bf16Block::kDepth;
  const std::size_t of_a_tap = padded_inputs() / kDepth;
  scratch.offsets.resize(panels_.steps());
  for (std::size_t s = 0; s < panels_.steps(); ++s) {
    scratch.offsets[s] = static_cast<std::ptrdiff_t>(s / of_a_tap * tap_step + s % of_a_tap * kDepth);
  }
  const Bf16Multiplier multiply(unit_);
  panels_.by_blocks(
      x.count, scratch.sums,
      [&](Bf16Block& block, std::size_t row, std::size_t step) {
        block.left = x.row(row);
        block.left_step = x.step;
        block.offsets = scratch.offsets.data() + step;
        multiply(block);
      },
      [&](const float* sums, std::size_t row, std::size_t rows, std::size_t column, std::size_t columns) {
        finish(ConstRows{sums, rows, columns, Bf16Block::kColumns}, row, column);
      });
}

void Bf16Matrix::multiply(ConstBf16Rows x, std::size_t tap_step, const ReluNorm& layer, Bf16Rows to,
                          Scratch& scratch) const {
  by_blocks(x, tap_step, scratch, [&](ConstRows sums, std::size_t row, std::size_t column) {
    relu_norm(sums, layer, column, to.part(row, sums.count).columns(column, sums.width));
  });
}

void Bf16Matrix::multiply(ConstBf16Rows x, std::size_t tap_step, Rows to, Scratch& scratch) const {
  by_blocks(x, tap_step, scratch, [&](ConstRows sums, std::size_t row, std::size_t column) {
    for (std::size_t r = 0; r < sums.count; ++r) {
      std::copy_n(sums.row(r), sums.width, to.row(row + r) + column);
    }
  });
}

}  // namespace timbre::simd
