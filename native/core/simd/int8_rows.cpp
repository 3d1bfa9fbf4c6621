#include "simd/int8_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/int8_rows.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// Lowest and highest value, 0 included; no numbers where any value is not finite.
struct Range {
  float low = 0;
  float high = 0;
};

template <typename T>
HWY_INLINE Range range_of(const T* row, std::size_t width) {
  const FloatTag d;
  const OneFloatTag one;
  FloatVector low = hn::Zero(d);
  FloatVector high = low;
  FloatVector fault = low;
  std::size_t c = 0;
  for (; c + hn::Lanes(d) <= width; c += hn::Lanes(d)) {
    const FloatVector value = load(d, row + c);
    low = hn::Min(low, value);
    high = hn::Max(high, value);
    fault = hn::Add(fault, hn::Sub(value, value));  // 0 of what is finite
  }
  Range range{hn::GetLane(hn::MinOfLanes(d, low)), hn::GetLane(hn::MaxOfLanes(d, high))};
  float none = hn::GetLane(hn::SumOfLanes(d, fault));
  for (; c < width; ++c) {
    const float value = hn::GetLane(load(one, row + c));
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
    none += 0 * value;
  }
  return {range.low + none, range.high + none};
}

template <typename T>
HWY_INLINE void quantise_rows(RowsOf<const T> x, std::int32_t highest, ByteRows to, ByteScale* scales) {
  // Zeros have any scale.
  constexpr float kSmallestStep = 1e-12F;
  const auto most = static_cast<float>(highest);
  for (std::size_t r = 0; r < x.count; ++r) {
    const T* row = x.row(r);
    std::uint8_t* bytes = to.row(r);
    const auto [low, high] = range_of(row, x.width);
    if (!std::isfinite(high - low)) {  // rounded, it would pass for numbers
      scales[r] = {std::numeric_limits<float>::quiet_NaN(), 0};
      std::fill_n(bytes, to.width, std::uint8_t{0});
      continue;
    }
    const float step = std::max((high - low) / most, kSmallestStep);
    const auto zero = static_cast<std::int32_t>(std::lround(-low / step));
    scales[r] = {step, zero};
    const float scale = 1 / step;
    const auto zero_point = static_cast<float>(zero);
    for_each_vector(x.width, [=](auto d, std::size_t c) HWY_ATTR {
      const auto y = hn::MulAdd(load(d, row + c), hn::Set(d, scale), hn::Set(d, zero_point));
      const auto bounded = hn::Min(hn::Max(y, hn::Zero(d)), hn::Set(d, most));
      const hn::Rebind<std::uint8_t, decltype(d)> byte;
      hn::StoreU(hn::DemoteTo(byte, hn::NearestInt(bounded)), byte, bytes + c);
    });
    std::fill_n(bytes + x.width, to.width - x.width, std::uint8_t{0});
  }
}

void quantise(ConstRows x, std::int32_t highest, ByteRows to, ByteScale* scales) {
  quantise_rows(x, highest, to, scales);
}

void quantise_bf16(ConstBf16Rows x, std::int32_t highest, ByteRows to, ByteScale* scales) {
  quantise_rows(x, highest, to, scales);
}

/// finish(tag, row, column, value) of every value of a product.
template <typename Finish>
HWY_INLINE void for_each_value(const ByteSums& from, const ByteColumns& columns, const Finish& finish) {
  const std::int32_t* weight_sums = columns.sums.data() + from.first;
  const float* steps = columns.steps.data() + from.first;
  for (std::size_t r = 0; r < from.sums.count; ++r) {
    const std::int32_t* sums = from.sums.row(r);
    const ByteScale row = from.rows[r];
    for_each_vector(from.sums.width, [=, &finish](auto d, std::size_t c) HWY_ATTR {
      const hn::Rebind<std::int32_t, decltype(d)> whole;
      const auto of_zero = hn::Mul(hn::Set(whole, row.zero), hn::LoadU(whole, weight_sums + c));
      const auto sum = hn::ConvertTo(d, hn::Sub(hn::LoadU(whole, sums + c), of_zero));
      finish(d, r, c, hn::Mul(sum, hn::Mul(hn::Set(d, row.step), hn::LoadU(d, steps + c))));
    });
  }
}

void dequantise(const ByteSums& from, const ByteColumns& columns, Rows to) {
  for_each_value(from, columns,
                 [=](auto d, std::size_t r, std::size_t c, auto value) HWY_ATTR { store(value, d, to.row(r) + c); });
}

template <typename T>
HWY_INLINE void relu_norm_of(const ByteSums& from, const ByteColumns& columns, const ReluNorm& layer, RowsOf<T> to) {
  const float* bias = layer.bias.data() + from.first;
  const float* scale = layer.scale.data() + from.first;
  const float* shift = layer.shift.data() + from.first;
  for_each_value(from, columns, [=](auto d, std::size_t r, std::size_t c, auto value) HWY_ATTR {
    const auto sum = hn::Add(value, hn::LoadU(d, bias + c));
    // Not Max(), which may take the zero where there is no number.
    const auto positive = hn::IfThenZeroElse(hn::Lt(sum, hn::Zero(d)), sum);
    store(hn::MulAdd(positive, hn::LoadU(d, scale + c), hn::LoadU(d, shift + c)), d, to.row(r) + c);
  });
}

void relu_norm(const ByteSums& from, const ByteColumns& columns, const ReluNorm& layer, Rows to) {
  relu_norm_of(from, columns, layer, to);
}

void relu_norm_bf16(const ByteSums& from, const ByteColumns& columns, const ReluNorm& layer, Bf16Rows to) {
  relu_norm_of(from, columns, layer, to);
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(quantise);
HWY_EXPORT(quantise_bf16);
HWY_EXPORT(dequantise);
HWY_EXPORT(relu_norm);
HWY_EXPORT(relu_norm_bf16);

void quantise(ConstRows x, std::int32_t highest, ByteRows to, ByteScale* scales) {
  HWY_DYNAMIC_DISPATCH(quantise)(x, highest, to, scales);
}

void quantise(ConstBf16Rows x, std::int32_t highest, ByteRows to, ByteScale* scales) {
  HWY_DYNAMIC_DISPATCH(quantise_bf16)(x, highest, to, scales);
}

void dequantise(const ByteSums& from, const ByteColumns& columns, Rows to) {
  HWY_DYNAMIC_DISPATCH(dequantise)(from, columns, to);
}

void relu_norm(const ByteSums& from, const ByteColumns& columns, const ReluNorm& layer, Rows to) {
  HWY_DYNAMIC_DISPATCH(relu_norm)(from, columns, layer, to);
}

void relu_norm(const ByteSums& from, const ByteColumns& columns, const ReluNorm& layer, Bf16Rows to) {
  HWY_DYNAMIC_DISPATCH(relu_norm_bf16)(from, columns, layer, to);
}

}  // namespace timbre::simd
#endif
