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

/// `sums` is [stream][gate][unit].
template <std::size_t kStreams>
HWY_INLINE void add_recurrent(const float* recurrent, const LstmStream* streams, float* sums) {
  // As many sums as are kept in registers.
  constexpr std::size_t kVectors = 8 / kStreams;
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t gate = 0; gate < 4; ++gate) {
    for (std::size_t unit = 0; unit < kLstmUnits; unit += kVectors * lanes) {
      const std::size_t first = gate * kLstmUnits + unit;
      const float* weights = recurrent + gate * kLstmUnits * kLstmUnits + unit;
      FloatVector sum[kStreams][kVectors];
#pragma GCC unroll 8
      for (std::size_t s = 0; s < kStreams; ++s) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) sum[s][v] = hn::LoadU(d, streams[s].gates + first + v * lanes);
      }
      for (std::size_t i = 0; i < kLstmUnits; ++i, weights += kLstmUnits) {
        FloatVector weight[kVectors];
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) weight[v] = hn::LoadU(d, weights + v * lanes);
#pragma GCC unroll 8
        for (std::size_t s = 0; s < kStreams; ++s) {
          const FloatVector from = hn::Set(d, streams[s].hidden[i]);
#pragma GCC unroll 8
          for (std::size_t v = 0; v < kVectors; ++v) sum[s][v] = hn::MulAdd(from, weight[v], sum[s][v]);
        }
      }
#pragma GCC unroll 8
      for (std::size_t s = 0; s < kStreams; ++s) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) {
          hn::StoreU(sum[s][v], d, sums + s * 4 * kLstmUnits + first + v * lanes);
        }
      }
    }
  }
}

/// From sums of gates to what is remembered.
void advance(const float* sums, const LstmStream& stream) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const float* input = sums;
  const float* forget = input + kLstmUnits;
  const float* candidate = forget + kLstmUnits;
  const float* output = candidate + kLstmUnits;
  const FloatVector one = hn::Set(d, 1.0F);
  for (std::size_t i = 0; i < kLstmUnits; i += lanes) {
    const FloatVector kept =
        hn::Div(hn::LoadU(d, stream.cell + i), hn::Add(one, bounded_exp_of_minus(hn::LoadU(d, forget + i))));
    const FloatVector next = hn::Add(kept, gated_tanh(hn::LoadU(d, input + i), hn::LoadU(d, candidate + i)));
    hn::StoreU(next, d, stream.cell + i);
    hn::StoreU(gated_tanh(hn::LoadU(d, output + i), next), d, stream.hidden + i);
  }
}

void lstm_step(const float* recurrent, std::span<const LstmStream> streams) {
  HWY_ALIGN_MAX float sums[kMostLstmStreams * 4 * kLstmUnits];
  for (std::size_t first = 0; first < streams.size();) {
    const std::size_t left = streams.size() - first;
    const LstmStream* from = streams.data() + first;
    float* to = sums + first * 4 * kLstmUnits;
    if (left >= 4) {
      add_recurrent<4>(recurrent, from, to);
      first += 4;
    } else if (left >= 2) {
      add_recurrent<2>(recurrent, from, to);
      first += 2;
    } else {
      add_recurrent<1>(recurrent, from, to);
      ++first;
    }
  }
  for (std::size_t s = 0; s < streams.size(); ++s) advance(sums + s * 4 * kLstmUnits, streams[s]);
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(lstm_step);

void lstm_step(const float* recurrent, std::span<const LstmStream> streams) {
  HWY_DYNAMIC_DISPATCH(lstm_step)(recurrent, streams);
}

}  // namespace timbre::simd
#endif
