#include "simd/signal_columns.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/signal_columns.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "simd/loops-inl.h"
#include "simd/matrix.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// Of a block's rows: a whole number of vectors.
using ColumnTag = hn::CappedTag<float, kSignalColumns>;

void scale_columns(float* columns, std::size_t points, float scale) {
  const ColumnTag d;
  for (std::size_t i = 0; i < points * kSignalColumns; i += hn::Lanes(d)) {
    hn::StoreU(hn::Mul(hn::LoadU(d, columns + i), hn::Set(d, scale)), d, columns + i);
  }
}

void centre_columns(float* columns, std::size_t points) {
  const ColumnTag d;
  const auto number = hn::Set(d, static_cast<float>(points));
  for (std::size_t c = 0; c < kSignalColumns; c += hn::Lanes(d)) {
    auto sum = hn::Zero(d);
    for (std::size_t p = 0; p < points; ++p) sum = hn::Add(sum, hn::LoadU(d, columns + p * kSignalColumns + c));
    const auto mean = hn::Div(sum, number);
    for (std::size_t p = 0; p < points; ++p) {
      float* at = columns + p * kSignalColumns + c;
      hn::StoreU(hn::Sub(hn::LoadU(d, at), mean), d, at);
    }
  }
}

void emphasise_columns(float* columns, std::size_t points, float by) {
  const ColumnTag d;
  const auto factor = hn::Set(d, by);
  for (std::size_t c = 0; c < kSignalColumns; c += hn::Lanes(d)) {
    auto before = hn::LoadU(d, columns + c);
    for (std::size_t p = 0; p < points; ++p) {
      float* at = columns + p * kSignalColumns + c;
      const auto value = hn::LoadU(d, at);
      hn::StoreU(hn::NegMulAdd(factor, before, value), d, at);
      before = value;
    }
  }
}

void add_rows(const float* weights, std::size_t count, const float* rows, float* to) {
  const ColumnTag d;
  for (std::size_t c = 0; c < kSignalColumns; c += hn::Lanes(d)) {
    auto sum = hn::Zero(d);
    for (std::size_t i = 0; i < count; ++i) {
      sum = hn::MulAdd(hn::Set(d, weights[i]), hn::LoadU(d, rows + i * kSignalColumns + c), sum);
    }
    hn::StoreU(sum, d, to + c);
  }
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace timbre::simd {

HWY_EXPORT(scale_columns);
HWY_EXPORT(centre_columns);
HWY_EXPORT(emphasise_columns);
HWY_EXPORT(add_rows);

void lay_in_columns(const float* signal, std::size_t shift, std::size_t count, float scale, std::size_t points,
                    float* to) {
  constexpr std::size_t kTogether = 4;
  const std::size_t whole = points / kTogether * kTogether;
  for (std::size_t column = 0; column < kSignalColumns; column += kTogether) {
    std::size_t first_point = 0;
    if (column + kTogether <= count) {
      transpose_four_rows(signal + column * shift, shift, whole, to + column, kSignalColumns);
      first_point = whole;
    }
    for (std::size_t p = first_point; p < points; ++p) {
      for (std::size_t c = column; c < column + kTogether; ++c) {
        to[p * kSignalColumns + c] = c < count ? signal[c * shift + p] : 0.0F;
      }
    }
  }
  if (scale != 1) HWY_DYNAMIC_DISPATCH(scale_columns)(to, points, scale);
}

void centre_columns(float* columns, std::size_t points) { HWY_DYNAMIC_DISPATCH(centre_columns)(columns, points); }

void emphasise_columns(float* columns, std::size_t points, float by) {
  HWY_DYNAMIC_DISPATCH(emphasise_columns)(columns, points, by);
}

void add_rows(std::span<const float> weights, const float* rows, float* to) {
  HWY_DYNAMIC_DISPATCH(add_rows)(weights.data(), weights.size(), rows, to);
}

}  // namespace timbre::simd
#endif
