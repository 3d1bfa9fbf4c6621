#include "simd/planes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/planes.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// work(tag, i) for values i to i + lanes of `count`, the last of them again where vectors do not come out even; one
/// value at a time where there is no whole vector. What `work` writes may not be what it reads.
template <typename Work>
HWY_INLINE void by_vectors(std::size_t count, const Work& work) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  if (count < lanes) {
    for (std::size_t i = 0; i < count; ++i) work(OneFloatTag(), i);
    return;
  }
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) work(d, i);
  if (i < count) work(d, count - lanes);
}

void to_points(const ConstPhaseRows& x, std::size_t columns, float* to, std::size_t point_step) {
  by_vectors(columns, [&](auto d, std::size_t j) HWY_ATTR {
    const auto x0 = hn::LoadU(d, x[3] + j - 1);
    const auto x1 = hn::LoadU(d, x[0] + j);
    const auto x2 = hn::LoadU(d, x[1] + j);
    const auto x3 = hn::LoadU(d, x[2] + j);
    const auto x4 = hn::LoadU(d, x[3] + j);
    const auto x5 = hn::LoadU(d, x[0] + j + 1);
    const auto two = hn::Set(d, 2.0F);
    const auto four = hn::Set(d, 4.0F);
    const auto five = hn::Set(d, 5.0F);
    const auto even = hn::NegMulAdd(four, x2, x4);
    const auto odd = hn::NegMulAdd(four, x1, x3);
    const auto half_even = hn::Sub(x4, x2);
    const auto half_odd = hn::Mul(two, hn::Sub(x3, x1));
    float* out = to + j;
    hn::StoreU(hn::MulAdd(four, x0, hn::NegMulAdd(five, x2, x4)), d, out);
    hn::StoreU(hn::Add(even, odd), d, out + point_step);
    hn::StoreU(hn::Sub(even, odd), d, out + 2 * point_step);
    hn::StoreU(hn::Add(half_even, half_odd), d, out + 3 * point_step);
    hn::StoreU(hn::Sub(half_even, half_odd), d, out + 4 * point_step);
    hn::StoreU(hn::MulAdd(four, x1, hn::NegMulAdd(five, x3, x5)), d, out + 5 * point_step);
  });
}

void from_points(const float* points, std::size_t point_step, std::size_t columns, float shift,
                 const ConstPhaseRows& other, const PhaseRows& to) {
  by_vectors(columns, [&](auto d, std::size_t j) HWY_ATTR {
    const float* in = points + j;
    const auto m0 = hn::LoadU(d, in);
    const auto m1 = hn::LoadU(d, in + point_step);
    const auto m2 = hn::LoadU(d, in + 2 * point_step);
    const auto m3 = hn::LoadU(d, in + 3 * point_step);
    const auto m4 = hn::LoadU(d, in + 4 * point_step);
    const auto m5 = hn::LoadU(d, in + 5 * point_step);
    const auto near = hn::Add(m1, m2);
    const auto near_apart = hn::Sub(m1, m2);
    const auto far = hn::Add(m3, m4);
    const auto far_apart = hn::Sub(m3, m4);
    const auto start = hn::Set(d, shift);
    const auto store = [&](auto value, std::size_t phase) HWY_ATTR {
      value = hn::Add(value, start);
      if (other[phase] != nullptr) value = hn::Add(value, hn::LoadU(d, other[phase] + j));
      hn::StoreU(hn::Max(value, hn::Zero(d)), d, to[phase] + j);
    };
    store(hn::Add(m0, hn::Add(near, far)), 0);
    store(hn::MulAdd(hn::Set(d, 2.0F), far_apart, near_apart), 1);
    store(hn::MulAdd(hn::Set(d, 4.0F), far, near), 2);
    store(hn::Add(hn::MulAdd(hn::Set(d, 8.0F), far_apart, near_apart), m5), 3);
  });
}

void norm_relu_rows(const float* x, std::size_t x_step, std::size_t rows, std::size_t columns, const float* scale,
                    const float* shift, float* to, std::size_t to_step) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t r = 0; r < rows; ++r, x += x_step, to += to_step) {
    const FloatVector factor = hn::Set(d, scale[r]);
    const FloatVector start = hn::Set(d, shift[r]);
    for (std::size_t c = 0; c < columns; c += lanes) {
      hn::StoreU(hn::Max(hn::MulAdd(hn::LoadU(d, x + c), factor, start), hn::Zero(d)), d, to + c);
    }
  }
}

void scale(float* x, std::size_t count, float factor) {
  for_each_vector(count, [&](auto d, std::size_t i)
                             HWY_ATTR { hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)), d, x + i); });
}

/// The sum of map(x[i]), in four vectors and then what is left.
template <typename Map>
HWY_INLINE float sum_of(const float* x, std::size_t count, const Map& map) {
  constexpr std::size_t kSums = 4;
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVector sums[kSums] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  std::size_t i = 0;
  for (; i + kSums * lanes <= count; i += kSums * lanes) {
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kSums; ++s) sums[s] = hn::Add(sums[s], map(d, hn::LoadU(d, x + i + s * lanes)));
  }
  for (; i + lanes <= count; i += lanes) sums[0] = hn::Add(sums[0], map(d, hn::LoadU(d, x + i)));
  const FloatVector all = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
  float total = hn::GetLane(hn::SumOfLanes(d, all));
  const OneFloatTag one;
  for (; i < count; ++i) total += hn::GetLane(map(one, hn::Set(one, x[i])));
  return total;
}

float sum(const float* x, std::size_t count) {
  return sum_of(x, count, [](auto, auto value) HWY_ATTR { return value; });
}

float sum_of_squares(const float* x, std::size_t count, float middle) {
  return sum_of(x, count, [middle](auto d, auto value) HWY_ATTR {
    const auto apart = hn::Sub(value, hn::Set(d, middle));
    return hn::Mul(apart, apart);
  });
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(to_points);
HWY_EXPORT(from_points);
HWY_EXPORT(norm_relu_rows);
HWY_EXPORT(scale);
HWY_EXPORT(sum);
HWY_EXPORT(sum_of_squares);

std::array<float, kPoints> as_points(float before, float at, float after) {
  return {before / 4,
          -(before + at + after) / 6,
          -(before - at + after) / 6,
          before / 24 + at / 12 + after / 6,
          before / 24 - at / 12 + after / 6,
          after};
}

void to_points(const ConstPhaseRows& x, std::size_t columns, float* to, std::size_t point_step) {
  HWY_DYNAMIC_DISPATCH(to_points)(x, columns, to, point_step);
}

void from_points(const float* points, std::size_t point_step, std::size_t columns, float shift,
                 const ConstPhaseRows& other, const PhaseRows& to) {
  HWY_DYNAMIC_DISPATCH(from_points)(points, point_step, columns, shift, other, to);
}

void norm_relu_rows(const float* x, std::size_t x_step, std::size_t rows, std::size_t columns, const float* scale,
                    const float* shift, float* to, std::size_t to_step) {
  HWY_DYNAMIC_DISPATCH(norm_relu_rows)(x, x_step, rows, columns, scale, shift, to, to_step);
}

void scale(float* x, std::size_t count, float factor) { HWY_DYNAMIC_DISPATCH(scale)(x, count, factor); }

float sum(const float* x, std::size_t count) { return HWY_DYNAMIC_DISPATCH(sum)(x, count); }

float sum_of_squares(const float* x, std::size_t count, float middle) {
  return HWY_DYNAMIC_DISPATCH(sum_of_squares)(x, count, middle);
}

}  // namespace timbre::simd
#endif
