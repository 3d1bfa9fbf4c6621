// Included once for every kind of processor, see Highway's foreach_target.h; hence no ordinary guard.
#if defined(TIMBRE_SIMD_LOOPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TIMBRE_SIMD_LOOPS_INL_H
#undef TIMBRE_SIMD_LOOPS_INL_H
#else
#define TIMBRE_SIMD_LOOPS_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>

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

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
