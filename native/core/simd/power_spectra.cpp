#include "simd/power_spectra.h"

#include <cmath>
#include <numbers>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/power_spectra.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "simd/loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace timbre::simd::HWY_NAMESPACE {

/// Pairs of samples as complex numbers go through a transform of half the length, whose result falls into the
/// transforms of the even and of the odd samples.
void power_spectra(const PowerSpectra::Tables& tables, const float* samples, std::size_t step, std::size_t columns,
                   float* out) {
  const FloatTag d;
  const std::size_t half = tables.points / 2;
  const float* cosines = tables.cosines;
  const float* sines = tables.sines;
  FloatVector re[PowerSpectra::kMostPoints / 2];
  FloatVector im[PowerSpectra::kMostPoints / 2];
  for (std::size_t column = 0; column < columns; column += hn::Lanes(d)) {
    for (std::size_t n = 0; n < half; ++n) {
      const std::size_t from = 2 * tables.order[n];
      const float* pair = samples + from * step + column;
      re[n] = hn::Mul(hn::Set(d, tables.window[from]), hn::LoadU(d, pair));
      im[n] = hn::Mul(hn::Set(d, tables.window[from + 1]), hn::LoadU(d, pair + step));
    }
    for (std::size_t length = 1; length < half; length *= 2) {
      for (std::size_t first = 0; first < half; first += 2 * length) {
        for (std::size_t k = 0; k < length; ++k) {
          const std::size_t a = first + k;
          const std::size_t b = a + length;
          const FloatVector cosine = hn::Set(d, cosines[k * (half / length)]);
          const FloatVector sine = hn::Set(d, sines[k * (half / length)]);
          const FloatVector turned_re = hn::MulSub(re[b], cosine, hn::Mul(im[b], sine));
          const FloatVector turned_im = hn::MulAdd(re[b], sine, hn::Mul(im[b], cosine));
          re[b] = hn::Sub(re[a], turned_re);
          im[b] = hn::Sub(im[a], turned_im);
          re[a] = hn::Add(re[a], turned_re);
          im[a] = hn::Add(im[a], turned_im);
        }
      }
    }
    const FloatVector a_half = hn::Set(d, 0.5F);
    for (std::size_t k = 0; k <= half / 2; ++k) {
      const std::size_t a = k;
      const std::size_t b = k == 0 ? 0 : half - k;
      const FloatVector cosine = hn::Set(d, cosines[k]);
      const FloatVector sine = hn::Set(d, sines[k]);
      const FloatVector even_re = hn::Mul(hn::Add(re[a], re[b]), a_half);
      const FloatVector even_im = hn::Mul(hn::Sub(im[a], im[b]), a_half);
      const FloatVector odd_re = hn::Mul(hn::Add(im[a], im[b]), a_half);
      const FloatVector odd_im = hn::Mul(hn::Sub(re[b], re[a]), a_half);
      const FloatVector turned_re = hn::MulSub(odd_re, cosine, hn::Mul(odd_im, sine));
      const FloatVector turned_im = hn::MulAdd(odd_re, sine, hn::Mul(odd_im, cosine));
      const FloatVector sum_re = hn::Add(even_re, turned_re);
      const FloatVector sum_im = hn::Add(even_im, turned_im);
      const FloatVector difference_re = hn::Sub(even_re, turned_re);
      const FloatVector difference_im = hn::Sub(even_im, turned_im);
      hn::StoreU(hn::MulAdd(sum_re, sum_re, hn::Mul(sum_im, sum_im)), d, out + k * step + column);
      hn::StoreU(hn::MulAdd(difference_re, difference_re, hn::Mul(difference_im, difference_im)), d,
                 out + (half - k) * step + column);
    }
  }
}

}  // namespace timbre::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace timbre::simd {

HWY_EXPORT(power_spectra);

std::vector<float> hann_window(std::size_t points) {
  std::vector<float> window(points);
  for (std::size_t i = 0; i < points; ++i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(points);
    window[i] = static_cast<float>(0.5 - 0.5 * std::cos(turn));
  }
  return window;
}

PowerSpectra::PowerSpectra(std::vector<float> window)
    : window_(std::move(window)), cosines_(window_.size() / 2), sines_(window_.size() / 2) {
  const std::size_t points = window_.size();
  const auto turn = [points](std::size_t i) {
    return 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(points);
  };
  for (std::size_t i = 0; i < points / 2; ++i) {
    cosines_[i] = static_cast<float>(std::cos(turn(i)));
    sines_[i] = static_cast<float>(-std::sin(turn(i)));
  }
  order_ = {0};
  for (std::size_t length = points / 2; order_.size() < points / 2;) {
    length /= 2;
    const std::size_t known = order_.size();
    for (std::size_t i = 0; i < known; ++i) order_.push_back(order_[i] + static_cast<std::uint32_t>(length));
  }
}

void PowerSpectra::compute(const float* samples, std::size_t step, std::size_t columns, float* out) const {
  const Tables tables{points(), window_.data(), cosines_.data(), sines_.data(), order_.data()};
  HWY_DYNAMIC_DISPATCH(power_spectra)(tables, samples, step, columns, out);
}

}  // namespace timbre::simd
#endif
