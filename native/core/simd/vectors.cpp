#include "simd/vectors.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/vectors.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// Inner products of `a` with RowCount vectors from `b` on, `step` apart. Two sums for each, so that additions overlap.
template <std::size_t RowCount>
HWY_INLINE void dot_some(const float* a, const float* b, std::size_t step, std::size_t size, float* products) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVector even[RowCount];
  FloatVector odd[RowCount];
#pragma GCC unroll 4
  for (std::size_t r = 0; r < RowCount; ++r) even[r] = odd[r] = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    const FloatVector first = hn::LoadU(d, a + i);
    const FloatVector second = hn::LoadU(d, a + i + lanes);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < RowCount; ++r) {
      even[r] = hn::MulAdd(first, hn::LoadU(d, b + r * step + i), even[r]);
      odd[r] = hn::MulAdd(second, hn::LoadU(d, b + r * step + i + lanes), odd[r]);
    }
  }
  for (; i + lanes <= size; i += lanes) {
    const FloatVector first = hn::LoadU(d, a + i);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < RowCount; ++r) even[r] = hn::MulAdd(first, hn::LoadU(d, b + r * step + i), even[r]);
  }
#pragma GCC unroll 4
  for (std::size_t r = 0; r < RowCount; ++r) {
    float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even[r], odd[r])));
    for (std::size_t rest = i; rest < size; ++rest) sum += a[rest] * b[r * step + rest];
    products[r] = sum;
  }
}

/// As above.
template <std::size_t RowCount>
HWY_INLINE void dot_some(const std::int16_t* a, const std::int8_t* b, std::size_t step, std::size_t size,
                         std::int32_t* products) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::RepartitionToWide<decltype(d)> sums;
  const hn::Rebind<std::int8_t, decltype(d)> bytes;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(sums)> even[RowCount];
  hn::Vec<decltype(sums)> odd[RowCount];
#pragma GCC unroll 4
  for (std::size_t r = 0; r < RowCount; ++r) even[r] = odd[r] = hn::Zero(sums);
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto first = hn::LoadU(d, a + i);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < RowCount; ++r) {
      const auto row = hn::PromoteTo(d, hn::LoadU(bytes, b + r * step + i));
      even[r] = hn::ReorderWidenMulAccumulate(sums, first, row, even[r], odd[r]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t r = 0; r < RowCount; ++r) {
    std::int32_t sum = hn::GetLane(hn::SumOfLanes(sums, hn::Add(even[r], odd[r])));
    for (std::size_t rest = i; rest < size; ++rest) sum += std::int32_t{a[rest]} * b[r * step + rest];
    products[r] = sum;
  }
}

/// Rows that are fetched ahead: a processor that follows several rows at once does not do so by itself.
constexpr std::size_t kAhead = 16;
constexpr std::size_t kCacheLine = 64;

/// Four rows at once, then those that are left.
template <typename Query, typename Value, typename Product>
HWY_INLINE void dot_all(const Query* query, const Value* vectors, std::size_t rows, std::size_t dim,
                        Product* products) {
  constexpr std::size_t kTogether = 4;
  std::size_t row = 0;
  for (; row + kTogether <= rows; row += kTogether) {
    const Value* const some = vectors + row * dim;
    if (row + kAhead + kTogether <= rows) {
      const Value* const next = some + kAhead * dim;
      for (std::size_t i = 0; i < kTogether * dim; i += kCacheLine / sizeof(Value)) hwy::Prefetch(next + i);
    }
    dot_some<kTogether>(query, some, dim, dim, products + row);
  }
  for (; row < rows; ++row) dot_some<1>(query, vectors + row * dim, dim, dim, products + row);
}

void dot_rows(const float* query, const float* vectors, std::size_t rows, std::size_t dim, float* products) {
  dot_all(query, vectors, rows, dim, products);
}

void dot_byte_rows(const std::int16_t* query, const std::int8_t* vectors, std::size_t rows, std::size_t dim,
                   std::int32_t* products) {
  dot_all(query, vectors, rows, dim, products);
}

void square_root(float* x, std::size_t size) {
  for_each_vector(size, [=](auto d, std::size_t i) HWY_ATTR { hn::StoreU(hn::Sqrt(hn::LoadU(d, x + i)), d, x + i); });
}

void floored_log(float* x, std::size_t size, float floor, float scale) {
  for_each_vector(size, [=](auto d, std::size_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, x + i);
    const auto raised = hn::Max(value, hn::Set(d, floor));
    // What is not finite has to stay so; Log() takes it for a number.
    const auto fault = hn::Sub(value, value);
    hn::StoreU(hn::MulAdd(hn::Log(d, raised), hn::Set(d, scale), fault), d, x + i);
  });
}

void multiply(const float* x, const float* y, std::size_t size, float* to) {
  for_each_vector(size, [=](auto d, std::size_t i)
                            HWY_ATTR { hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, to + i); });
}

void square_magnitudes(const float* complex, std::size_t size, float* powers) {
  const FloatTag d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    FloatVector re;
    FloatVector im;
    hn::LoadInterleaved2(d, complex + 2 * i, re, im);
    hn::StoreU(hn::MulAdd(re, re, hn::Mul(im, im)), d, powers + i);
  }
  for (; i < size; ++i) powers[i] = complex[2 * i] * complex[2 * i] + complex[2 * i + 1] * complex[2 * i + 1];
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(dot_rows);
HWY_EXPORT(dot_byte_rows);
HWY_EXPORT(square_root);
HWY_EXPORT(floored_log);
HWY_EXPORT(multiply);
HWY_EXPORT(square_magnitudes);

float dot(std::span<const float> a, std::span<const float> b) {
  float product = 0;
  HWY_DYNAMIC_DISPATCH(dot_rows)(a.data(), b.data(), 1, a.size(), &product);
  return product;
}

void dot_rows(const float* query, const float* vectors, std::size_t rows, std::size_t dim, float* products) {
  HWY_DYNAMIC_DISPATCH(dot_rows)(query, vectors, rows, dim, products);
}

void dot_rows(const std::int16_t* query, const std::int8_t* vectors, std::size_t rows, std::size_t dim,
              std::int32_t* products) {
  HWY_DYNAMIC_DISPATCH(dot_byte_rows)(query, vectors, rows, dim, products);
}

void square_root(std::span<float> x) { HWY_DYNAMIC_DISPATCH(square_root)(x.data(), x.size()); }

void floored_log(std::span<float> x, float floor, float scale) {
  HWY_DYNAMIC_DISPATCH(floored_log)(x.data(), x.size(), floor, scale);
}

void multiply(std::span<const float> x, std::span<const float> y, std::span<float> to) {
  HWY_DYNAMIC_DISPATCH(multiply)(x.data(), y.data(), x.size(), to.data());
}

void square_magnitudes(std::span<const float> complex, std::span<float> powers) {
  HWY_DYNAMIC_DISPATCH(square_magnitudes)(complex.data(), powers.size(), powers.data());
}

}  // namespace timbre::simd
#endif
