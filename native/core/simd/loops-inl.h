// Included once for every kind of processor, see Highway's foreach_target.h; hence no ordinary guard.
#if defined(TIMBRE_SIMD_LOOPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TIMBRE_SIMD_LOOPS_INL_H
#undef TIMBRE_SIMD_LOOPS_INL_H
#else
#define TIMBRE_SIMD_LOOPS_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "simd/bf16.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;
/// One value, for what is left after the last whole vector.
using OneFloatTag = hn::CappedTag<float, 1>;

/// body(tag, i) for every i from 0 to `count` at which a vector of that tag begins.
template <typename Body>
HWY_INLINE void for_each_vector(std::size_t count, const Body& body) {
  const FloatTag whole;
  const std::size_t lanes = hn::Lanes(whole);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) body(whole, i);
  for (; i < count; ++i) body(OneFloatTag(), i);
}

template <typename D>
HWY_INLINE hn::Vec<D> load(D d, const float* from) {
  return hn::LoadU(d, from);
}

template <typename D>
HWY_INLINE hn::Vec<D> load([[maybe_unused]] D d, const Bf16* from) {
  const hn::Rebind<std::uint16_t, D> halves;
  const hn::Rebind<std::uint32_t, D> bits;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, hn::LoadU(halves, &from->bits))));
}

template <typename D>
HWY_INLINE void store(hn::Vec<D> value, D d, float* to) {
  hn::StoreU(value, d, to);
}

/// As to_bf16(); what is no number has to be one that a processor made.
template <typename D>
HWY_INLINE void store(hn::Vec<D> value, D /*d*/, Bf16* to) {
  const hn::Rebind<std::uint16_t, D> halves;
  const hn::Rebind<std::uint32_t, D> whole;
  const auto bits = hn::BitCast(whole, value);
  const auto even = hn::And(hn::ShiftRight<16>(bits), hn::Set(whole, 1));
  const auto rounded = hn::Add(bits, hn::Add(even, hn::Set(whole, 0x7fff)));
  hn::StoreU(hn::TruncateTo(halves, hn::ShiftRight<16>(rounded)), halves, &to->bits);
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
