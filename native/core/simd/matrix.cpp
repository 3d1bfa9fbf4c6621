#include "simd/matrix.h"

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
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) sum[r][v] = start;
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

template <std::size_t RowCount>
HWY_INLINE void multiply_rows(const MatrixProduct& product, std::size_t row) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  std::size_t column = 0;
  for (; column + kTileVectors * lanes <= product.columns; column += kTileVectors * lanes) {
    multiply_tile<RowCount, kTileVectors>(product, row, column);
  }
  for (; column < product.columns; column += lanes) multiply_tile<RowCount, 1>(product, row, column);
}

void multiply(const MatrixProduct& product) {
  std::size_t row = 0;
  for (; row + kTileRows <= product.rows; row += kTileRows) multiply_rows<kTileRows>(product, row);
  for (; row < product.rows; row += 2) multiply_rows<2>(product, row);
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
