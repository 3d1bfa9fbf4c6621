#include "simd/lstm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/lstm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// exp(-x), as at 40 and -40 for what is beyond, so that products of two are numbers.
HWY_INLINE FloatVector bounded_exp_of_minus(FloatVector x) {
  const FloatTag d;
  const FloatVector most = hn::Set(d, 40.0F);
  return hn::Exp(d, hn::Neg(hn::Min(hn::Max(x, hn::Neg(most)), most)));
}

/// sigmoid(gate) * tanh(x), in one division.
HWY_INLINE FloatVector gated_tanh(FloatVector gate, FloatVector x) {
  const FloatVector one = hn::Set(FloatTag(), 1.0F);
  const FloatVector e = bounded_exp_of_minus(hn::Add(x, x));
  return hn::Div(hn::Sub(one, e), hn::Mul(hn::Add(one, bounded_exp_of_minus(gate)), hn::Add(one, e)));
}

void lstm_step(const float* recurrent, const float* gates, float* hidden, float* cell) {
  constexpr std::size_t kVectors = 8;
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN_MAX float sums[4 * kLstmUnits];
  for (std::size_t gate = 0; gate < 4; ++gate) {
    for (std::size_t unit = 0; unit < kLstmUnits; unit += kVectors * lanes) {
      const std::size_t first = gate * kLstmUnits + unit;
      const float* weights = recurrent + gate * kLstmUnits * kLstmUnits + unit;
      FloatVector sum[kVectors];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) sum[v] = hn::LoadU(d, gates + first + v * lanes);
      for (std::size_t i = 0; i < kLstmUnits; ++i, weights += kLstmUnits) {
        const FloatVector from = hn::Set(d, hidden[i]);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) {
          sum[v] = hn::MulAdd(from, hn::LoadU(d, weights + v * lanes), sum[v]);
        }
      }
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sum[v], d, sums + first + v * lanes);
    }
  }
  const float* input = sums;
  const float* forget = input + kLstmUnits;
  const float* candidate = forget + kLstmUnits;
  const float* output = candidate + kLstmUnits;
  const FloatVector one = hn::Set(d, 1.0F);
  for (std::size_t i = 0; i < kLstmUnits; i += lanes) {
    const FloatVector kept =
        hn::Div(hn::LoadU(d, cell + i), hn::Add(one, bounded_exp_of_minus(hn::LoadU(d, forget + i))));
    const FloatVector next = hn::Add(kept, gated_tanh(hn::LoadU(d, input + i), hn::LoadU(d, candidate + i)));
    hn::StoreU(next, d, cell + i);
    hn::StoreU(gated_tanh(hn::LoadU(d, output + i), next), d, hidden + i);
  }
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(lstm_step);

void lstm_step(const float* recurrent, const float* gates, float* hidden, float* cell) {
  HWY_DYNAMIC_DISPATCH(lstm_step)(recurrent, gates, hidden, cell);
}

}  // namespace timbre::simd
#endif
