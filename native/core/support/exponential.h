#pragma once

#include <bit>
#include <cstdint>

namespace timbre {

/// exp(x) within 1e-7 relative for x from -87 to 88: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2], in a form that
/// compilers turn into vectors. Part of whatever calls it, which may be compiled for one kind of processor.
inline __attribute__((always_inline)) float exponential(float x) {
  constexpr float kRounding = 12582912.0F;  // 1.5 * 2^23: adding it leaves the integer part in the lowest bits
  const float shifted = x * 1.44269504F + kRounding;
  const float n = shifted - kRounding;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1;
  return std::bit_cast<float>(std::bit_cast<std::int32_t>(p) + (std::bit_cast<std::int32_t>(shifted) << 23));
}

}  // namespace timbre
