#include "features/real_fft.h"

#include <kiss_fftr.h>

#include <cstddef>
#include <new>

namespace timbre {

static_assert(sizeof(kiss_fft_cpx) == sizeof(std::complex<float>));

void RealFft::Free::operator()(void* plan) const { kiss_fftr_free(plan); }

RealFft::RealFft(int points)
    : points_(points), plan_(kiss_fftr_alloc(points, 0, nullptr, nullptr)), spectrum_(points / 2 + 1) {
  if (!plan_) throw std::bad_alloc();
}

void RealFft::power(std::span<const float> frame, std::span<float> power) {
  kiss_fftr(static_cast<kiss_fftr_cfg>(plan_.get()), frame.data(), reinterpret_cast<kiss_fft_cpx*>(spectrum_.data()));
  for (std::size_t k = 0; k < spectrum_.size(); ++k) {
    power[k] = spectrum_[k].real() * spectrum_[k].real() + spectrum_[k].imag() * spectrum_[k].imag();
  }
}

}  // namespace timbre
