#pragma once

#include <bit>
#include <cstdint>

#include "simd/rows.h"

namespace timbre::simd {

/// The upper half of a float: sign, exponent, seven bits of the fraction.
struct Bf16 {
  std::uint16_t bits;
};
using Bf16Rows = RowsOf<Bf16>;
using ConstBf16Rows = RowsOf<const Bf16>;

inline float to_float(Bf16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16U); }

/// The nearest, the even one of two as near. What is no number stays none.
inline Bf16 to_bf16(float value) {
  if (value != value) return {0x7fc0};
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return {static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U)};
}

}  // namespace timbre::simd
