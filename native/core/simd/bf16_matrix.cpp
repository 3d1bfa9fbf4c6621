#include "simd/bf16_matrix.h"

#include <algorithm>

namespace timbre::simd {

namespace {

constexpr std::size_t kBlockRows = Bf16Block::kRows;
constexpr std::size_t kPanel = Bf16Block::kColumns;
constexpr std::size_t kHalf = Bf16Block::kHalf;
constexpr std::size_t kDepth = Bf16Block::kDepth;
constexpr std::size_t kBlockSums = kBlockRows * kPanel;
/// Steps of the depth that go together: a panel's weights of them (32 kB) stay in the first cache for all rows.
constexpr std::size_t kStepsTogether = 16;
/// Columns that go together: their unfinished sums stay in the second cache, and rows are fetched again for the next.
constexpr std::size_t kColumnsTogether = 256;
constexpr std::size_t kLine = 64 / sizeof(Bf16);

}  // namespace

Bf16Matrix::Bf16Matrix(ConstRows weights, std::size_t taps, Bf16Unit unit)
    : taps_(taps), inputs_(weights.width / taps), outputs_(weights.count), unit_(unit) {
  const std::size_t padded = padded_inputs();
  const std::size_t columns = (outputs_ + kHalf - 1) / kHalf * kHalf;
  values_.reserve(columns * taps_ * padded);
  const auto weight = [&](std::size_t column, std::size_t input) {
    const std::size_t at = input % padded;
    const bool exists = column < outputs_ && at < inputs_;
    return exists ? to_bf16(weights.row(column)[input / padded * inputs_ + at]) : Bf16{0};
  };
  for (std::size_t group = 0; group < outputs_; group += kColumnsTogether) {
    for (std::size_t step = 0; step < steps(); step += kStepsTogether) {
      for (std::size_t column = group; column < std::min(group + kColumnsTogether, outputs_); column += kPanel) {
        const std::size_t width = outputs_ - column > kHalf ? kPanel : kHalf;
        panels_.push_back({column, width, step, std::min(kStepsTogether, steps() - step)});
      }
    }
  }
  for (const Panel& panel : panels_) {
    for (std::size_t step = panel.step; step < panel.step + panel.steps; ++step) {
      for (std::size_t half = 0; half < panel.width; half += kHalf) {
        for (std::size_t pair = 0; pair < kDepth; pair += 2) {
          for (std::size_t c = 0; c < kHalf; ++c) {
            values_.push_back(weight(panel.column + half + c, step * kDepth + pair));
            values_.push_back(weight(panel.column + half + c, step * kDepth + pair + 1));
          }
        }
      }
    }
  }
}

template <typename Finish>
void Bf16Matrix::by_blocks(ConstBf16Rows x, std::size_t tap_step, Scratch& scratch, const Finish& finish) const {
  const std::size_t of_a_tap = padded_inputs() / kDepth;
  scratch.offsets.resize(steps());
  for (std::size_t s = 0; s < steps(); ++s) {
    scratch.offsets[s] = static_cast<std::ptrdiff_t>(s / of_a_tap * tap_step + s % of_a_tap * kDepth);
  }
  // Sums wait for the rest of the depth; where that is all of it, they are finished at once, in one place.
  const bool at_once = steps() <= kStepsTogether;
  const std::size_t row_blocks = (x.count + kBlockRows - 1) / kBlockRows;
  const std::size_t sums = at_once ? kBlockSums : row_blocks * kBlockSums * (kColumnsTogether / kPanel);
  if (scratch.sums.size() < sums) scratch.sums.resize(sums);

  const Bf16Multiplier multiply(unit_);
  const Bf16* right = values_.data();
  for (const Panel& panel : panels_) {
    const std::size_t size = panel.steps * kDepth * panel.width;
    const std::size_t lines = size / kLine / (row_blocks * panel.steps);
    const Bf16* ahead = right + size;
    float* waiting =
        scratch.sums.data() + (at_once ? 0 : panel.column % kColumnsTogether / kPanel * row_blocks * kBlockSums);
    for (std::size_t row = 0; row < x.count; row += kBlockRows) {
      const std::size_t rows = std::min(kBlockRows, x.count - row);
      multiply({.left = x.row(row),
                .left_step = x.step,
                .offsets = scratch.offsets.data() + panel.step,
                .steps = panel.steps,
                .right = right,
                .sums = waiting,
                .ahead = ahead,
                .lines = lines,
                .all_rows = rows > kHalf,
                .all_columns = panel.width == kPanel,
                .goes_on = panel.step > 0});
      ahead += lines * panel.steps * kLine;
      if (panel.step + panel.steps == steps()) {
        finish(ConstRows{waiting, rows, std::min(kPanel, outputs_ - panel.column), kPanel}, row, panel.column);
      }
      if (!at_once) waiting += kBlockSums;
    }
    right += size;
  }
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
