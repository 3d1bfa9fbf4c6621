#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simd/bf16.h"
#include "simd/passes.h"
#include "simd/rows.h"

/// Passes around a product of bytes.
namespace timbre::simd {

using ByteRows = RowsOf<std::uint8_t>;

/// What a row's bytes stand for: value = (byte - zero) * step.
struct ByteScale {
  float step = 0;  ///< no number where a value of the row is not finite
  std::int32_t zero = 0;
};

/// Rounds every row to bytes of up to `highest`, on a scale of its own that holds 0 and all of the row. Bytes of `to`
/// beyond the row's width become 0.
void quantise(ConstRows x, std::int32_t highest, ByteRows to, ByteScale* scales);
void quantise(ConstBf16Rows x, std::int32_t highest, ByteRows to, ByteScale* scales);

/// What the sums of every column of a product stand for.
struct ByteColumns {
  std::vector<float> steps;        ///< of the weights
  std::vector<std::int32_t> sums;  ///< of the weights: what a row's zero adds
};

/// Whole sums of a part of a product: of as many rows as there are scales from `rows` on, of the columns from `first`
/// on.
struct ByteSums {
  RowsOf<const std::int32_t> sums;
  const ByteScale* rows;
  std::size_t first;
};

/// to = the product.
void dequantise(const ByteSums& from, const ByteColumns& columns, Rows to);

/// to = relu(the product + bias) * scale + shift.
void relu_norm(const ByteSums& from, const ByteColumns& columns, const ReluNorm& layer, Rows to);
void relu_norm(const ByteSums& from, const ByteColumns& columns, const ReluNorm& layer, Bf16Rows to);

}  // namespace timbre::simd
