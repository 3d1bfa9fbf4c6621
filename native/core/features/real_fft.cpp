#include "features/real_fft.h"

#include <kiss_fftr.h>

#include <cstddef>
#include <new>

#include "simd/vectors.h"

namespace timbre {

static_assert(sizeof(kiss_fft_cpx) == sizeof(std::complex<float>));

void RealFft::Free::operator()(void* plan) const { kiss_fftr_free(plan); }

RealFft::RealFft(int points)
    : points_(points), plan_(kiss_fftr_alloc(points, 0, nullptr, nullptr)), spectrum_(points / 2 + 1) {
  if (!plan_) throw std::bad_alloc();
}

void RealFft::power(std::span<const float> frame, std::span<float> power) {
  kiss_fftr(static_cast<kiss_fftr_cfg>(plan_.get()), frame.data(), reinterpret_cast<kiss_fft_cpx*>(spectrum_.data()));
  // A complex number is its two parts in turn (C++ [complex.numbers.general]).
  simd::square_magnitudes({reinterpret_cast<const float*>(spectrum_.data()), 2 * spectrum_.size()}, power);
}

}  // namespace timbre
