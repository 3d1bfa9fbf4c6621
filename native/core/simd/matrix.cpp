#include "simd/matrix.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/matrix.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

// A tile of a product takes as many registers as leave room for its operands.
#if HWY_TARGET <= HWY_AVX3
constexpr std::size_t kTileRows = 8;
constexpr std::size_t kTileVectors = 3;
#elif HWY_TARGET == HWY_AVX2
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileVectors = 3;
#else
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileVectors = 2;
#endif

/// `RowCount` rows and `Vectors` vectors of a product, held in registers.
template <std::size_t RowCount, std::size_t Vectors>
HWY_INLINE void multiply_tile(const MatrixProduct& product, std::size_t row, std::size_t column) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const float* left = product.left + row;
  const float* right = product.right + column;
  FloatVector sum[RowCount][Vectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < RowCount; ++r) {
    const FloatVector start = hn::Set(d, product.bias ? product.bias[row + r] : 0.0F);
    const float* before = product.out + (row + r) * product.out_step + column;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) {
      sum[r][v] = product.onto ? hn::LoadU(d, before + v * lanes) : start;
    }
  }
  for (std::size_t i = 0; i < product.depth; ++i, left += product.left_step, right += product.right_step) {
    FloatVector operand[Vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) operand[v] = hn::LoadU(d, right + v * lanes);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < RowCount; ++r) {
      const FloatVector factor = hn::Set(d, left[r]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = hn::MulAdd(factor, operand[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < RowCount; ++r) {
    float* out = product.out + (row + r) * product.out_step + column;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v, out += lanes) {
      if (product.relu) sum[r][v] = hn::Max(sum[r][v], hn::Zero(d));
      hn::StoreU(sum[r][v], d, out);
    }
  }
}

/// All rows of some columns, so that what is read of the right stays in the first cache.
template <std::size_t RowCount, std::size_t Vectors>
HWY_INLINE void multiply_columns(const MatrixProduct& product, std::size_t column) {
  std::size_t row = 0;
  for (; row + RowCount <= product.rows; row += RowCount) multiply_tile<RowCount, Vectors>(product, row, column);
  for (; row < product.rows; row += 2) multiply_tile<2, Vectors>(product, row, column);
}

void multiply(const MatrixProduct& product) {
  /// Of the depth that goes together, for the same reason.
  constexpr std::size_t kDepth = 128;
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t first = 0; first < product.depth; first += kDepth) {
    MatrixProduct part = product;
    part.left += first * product.left_step;
    part.right += first * product.right_step;
    part.depth = std::min(kDepth, product.depth - first);
    part.onto = product.onto || first > 0;
    part.relu = product.relu && first + part.depth == product.depth;
    std::size_t column = 0;
    for (; column + kTileVectors * lanes <= part.columns; column += kTileVectors * lanes) {
      multiply_columns<kTileRows, kTileVectors>(part, column);
    }
    // What is left has as many sums at a time, of more rows.
    if (kTileVectors > 2 && column + 2 * lanes <= part.columns) {
      multiply_columns<kTileRows, 2>(part, column);
      column += 2 * lanes;
    }
    for (; column < part.columns; column += lanes) multiply_columns<2 * kTileRows, 1>(part, column);
  }
}

void transpose_four_rows(const float* in, std::size_t in_step, std::size_t columns, float* out, std::size_t out_step) {
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t r = 0; r < 4; ++r) out[c * out_step + r] = in[r * in_step + c];
  }
#else
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> pairs;
  for (std::size_t c = 0; c < columns; c += 4, in += 4, out += 4 * out_step) {
    const auto row0 = hn::LoadU(d, in);
    const auto row1 = hn::LoadU(d, in + in_step);
    const auto row2 = hn::LoadU(d, in + 2 * in_step);
    const auto row3 = hn::LoadU(d, in + 3 * in_step);
    const auto left01 = hn::BitCast(pairs, hn::InterleaveLower(d, row0, row1));
    const auto right01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row0, row1));
    const auto left23 = hn::BitCast(pairs, hn::InterleaveLower(d, row2, row3));
    const auto right23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row2, row3));
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, left01, left23)), d, out);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, left01, left23)), d, out + out_step);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, right01, right23)), d, out + 2 * out_step);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, right01, right23)), d, out + 3 * out_step);
  }
#endif
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(multiply);
HWY_EXPORT(transpose_four_rows);

void multiply(const MatrixProduct& product) { HWY_DYNAMIC_DISPATCH(multiply)(product); }

void transpose_four_rows(const float* in, std::size_t in_step, std::size_t columns, float* out, std::size_t out_step) {
  HWY_DYNAMIC_DISPATCH(transpose_four_rows)(in, in_step, columns, out, out_step);
}

}  // namespace timbre::simd
#endif
