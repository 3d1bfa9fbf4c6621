#include "simd/int8_matrix.h"

#include <algorithm>
#include <numeric>

namespace timbre::simd {

namespace {

/// Whole steps of the depth.
std::size_t padded(std::size_t inputs) {
  return (inputs + Int8Block::kDepth - 1) / Int8Block::kDepth * Int8Block::kDepth;
}

}  // namespace

Int8Matrix::Int8Matrix(RowsOf<const std::int8_t> weights, std::span<const float> steps, Int8Unit unit)
    : inputs_(weights.width),
      unit_(unit),
      columns_{{steps.begin(), steps.end()}, {}},
      panels_(weights.count, padded(inputs_) / Int8Block::kDepth, [&](std::size_t column, std::size_t input) {
        return input < weights.width ? weights.row(column)[input] : std::int8_t{0};
      }) {
  for (std::size_t c = 0; c < weights.count; ++c) {
    columns_.sums.push_back(std::accumulate(weights.row(c), weights.row(c) + weights.width, 0));
  }
}

template <typename T, typename Finish>
void Int8Matrix::by_blocks(RowsOf<const T> x, Scratch& scratch, const Finish& finish) const {
  // Units read whole groups of rows; of those beyond, results go nowhere. A line between rows keeps them from falling
  // on the same few lines of the first cache.
  constexpr std::size_t kLine = 64;
  const std::size_t width = padded(inputs_);
  const std::size_t step = width + kLine;
  const std::size_t rows = (x.count + Int8Block::kHalf - 1) / Int8Block::kHalf * Int8Block::kHalf;
  if (scratch.bytes.size() < rows * step) scratch.bytes.resize(rows * step);
  if (scratch.scales.size() < x.count) scratch.scales.resize(x.count);
  const ByteRows bytes{scratch.bytes.data(), x.count, width, step};
  quantise(x, largest_input(unit_), bytes, scratch.scales.data());

  const Int8Multiplier multiply(unit_);
  panels_.by_blocks(
      x.count, scratch.sums,
      [&](Int8Block& block, std::size_t row, std::size_t first) {
        block.left = bytes.row(row) + first * Int8Block::kDepth;
        block.left_step = step;
        multiply(block);
      },
      [&](const std::int32_t* sums, std::size_t row, std::size_t count, std::size_t column, std::size_t columns) {
        finish(ByteSums{{sums, count, columns, Int8Block::kColumns}, scratch.scales.data() + row, column}, row);
      });
}

void Int8Matrix::multiply(ConstRows x, const ReluNorm& layer, Rows to, Scratch& scratch) const {
  by_blocks(x, scratch, [&](const ByteSums& sums, std::size_t row) {
    relu_norm(sums, columns_, layer, to.part(row, sums.sums.count).columns(sums.first, sums.sums.width));
  });
}

void Int8Matrix::multiply(ConstBf16Rows x, const ReluNorm& layer, Bf16Rows to, Scratch& scratch) const {
  by_blocks(x, scratch, [&](const ByteSums& sums, std::size_t row) {
    relu_norm(sums, columns_, layer, to.part(row, sums.sums.count).columns(sums.first, sums.sums.width));
  });
}

void Int8Matrix::multiply(ConstRows x, Rows to, Scratch& scratch) const {
  by_blocks(x, scratch, [&](const ByteSums& sums, std::size_t row) {
    dequantise(sums, columns_, to.part(row, sums.sums.count).columns(sums.first, sums.sums.width));
  });
}

void Int8Matrix::multiply(ConstBf16Rows x, Rows to, Scratch& scratch) const {
  by_blocks(x, scratch, [&](const ByteSums& sums, std::size_t row) {
    dequantise(sums, columns_, to.part(row, sums.sums.count).columns(sums.first, sums.sums.width));
  });
}

}  // namespace timbre::simd
