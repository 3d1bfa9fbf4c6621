#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "simd/aligned.h"

/// Products by weights that were laid out once, in blocks of a unit (Bf16Block, Int8Block).
namespace timbre::simd {

/// Weights that are multiplied by all rows before the next ones are.
struct Panel {
  /// Steps of the depth that go together: a panel's weights of them (32 kB) stay in the first cache for all rows.
  static constexpr std::size_t kSteps = 16;
  /// Columns that go together: their unfinished sums stay in the second cache, and rows are fetched again for the next.
  static constexpr std::size_t kColumns = 256;

  std::size_t column;
  std::size_t width;  ///< 32, or 16 where that is enough
  std::size_t step;
  std::size_t steps;
};

/// Weights [outputs, steps of the depth] of type T, in the order in which they are multiplied.
template <typename Block, typename T>
class Panels {
 public:
  Panels() = default;

  /// weight(column, position), for every position of the depth; columns beyond the outputs are 0.
  template <typename Weight>
  Panels(std::size_t outputs, std::size_t steps, const Weight& weight) : outputs_(outputs), steps_(steps) {
    constexpr std::size_t kHalf = Block::kHalf;
    for (std::size_t group = 0; group < outputs; group += Panel::kColumns) {
      for (std::size_t step = 0; step < steps; step += Panel::kSteps) {
        const std::size_t end = std::min(group + Panel::kColumns, outputs);
        for (std::size_t column = group; column < end; column += Block::kColumns) {
          const std::size_t width = outputs - column > kHalf ? Block::kColumns : kHalf;
          panels_.push_back({column, width, step, std::min(Panel::kSteps, steps - step)});
        }
      }
    }
    values_.reserve((outputs + kHalf - 1) / kHalf * kHalf * steps * Block::kDepth);
    for (const Panel& panel : panels_) {
      for (std::size_t step = panel.step; step < panel.step + panel.steps; ++step) {
        for (std::size_t half = 0; half < panel.width; half += kHalf) add_half(panel.column + half, step, weight);
      }
    }
  }

  std::size_t outputs() const { return outputs_; }
  std::size_t steps() const { return steps_; }

  /// multiply(block, row, step) for every block of so many rows, which lacks only what is of its rows, from this step
  /// of the depth on; then finish(sums, row, rows, column, columns), sums being Block::kColumns apart, once they are
  /// whole. `sums` grows.
  template <typename Sums, typename Multiply, typename Finish>
  void by_blocks(std::size_t row_count, Sums& sums, const Multiply& multiply, const Finish& finish) const {
    constexpr std::size_t kBlockRows = Block::kRows;
    constexpr std::size_t kBlockSums = kBlockRows * Block::kColumns;
    constexpr std::size_t kLine = 64 / sizeof(T);
    // Sums wait for the rest of the depth; where that is all of it, they are finished at once, in one place.
    const bool at_once = steps_ <= Panel::kSteps;
    const std::size_t row_blocks = (row_count + kBlockRows - 1) / kBlockRows;
    const std::size_t needed = at_once ? kBlockSums : row_blocks * kBlockSums * (Panel::kColumns / Block::kColumns);
    if (sums.size() < needed) sums.resize(needed);

    const T* right = values_.data();
    for (const Panel& panel : panels_) {
      const std::size_t size = panel.steps * Block::kDepth * panel.width;
      const std::size_t lines = size / kLine / (row_blocks * panel.steps);
      const T* ahead = right + size;
      auto* waiting =
          sums.data() + (at_once ? 0 : panel.column % Panel::kColumns / Block::kColumns * row_blocks * kBlockSums);
      for (std::size_t row = 0; row < row_count; row += kBlockRows) {
        const std::size_t rows = std::min(kBlockRows, row_count - row);
        Block block{};
        block.steps = panel.steps;
        block.right = right;
        block.sums = waiting;
        block.ahead = ahead;
        block.lines = lines;
        block.rows = rows;
        block.all_columns = panel.width == Block::kColumns;
        block.goes_on = panel.step > 0;
        multiply(block, row, panel.step);
        ahead += lines * panel.steps * kLine;
        if (panel.step + panel.steps == steps_) {
          finish(waiting, row, rows, panel.column, std::min(Block::kColumns, outputs_ - panel.column));
        }
        if (!at_once) waiting += kBlockSums;
      }
      right += size;
    }
  }

 private:
  template <typename Weight>
  void add_half(std::size_t column, std::size_t step, const Weight& weight) {
    for (std::size_t first = 0; first < Block::kDepth; first += Block::kTogether) {
      for (std::size_t c = column; c < column + Block::kHalf; ++c) {
        for (std::size_t k = 0; k < Block::kTogether; ++k) {
          values_.push_back(c < outputs_ ? weight(c, step * Block::kDepth + first + k) : T{});
        }
      }
    }
  }

  std::size_t outputs_ = 0;
  std::size_t steps_ = 0;
  std::vector<Panel> panels_;
  std::vector<T, LineAllocator<T>> values_;  ///< of one panel after the other
};

}  // namespace timbre::simd
