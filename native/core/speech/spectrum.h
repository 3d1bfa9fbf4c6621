#pragma once

#include <span>
#include <vector>

#include "simd/aligned.h"
#include "simd/power_spectra.h"

namespace timbre {

/// Long-term spectrum of a recording. Used by one thread.
class Spectrum {
 public:
  explicit Spectrum(int sample_rate);

  /// Adds frames of 512 samples; shorter ones do not count.
  void add(std::span<const float> frame);

  /// Upper edge of the highest band of about 250 Hz that lies at most 60 dB below the strongest; 0 without signal.
  /// A telephone channel or a codec's low-pass leaves less than that above its edge, speech itself more.
  double bandwidth_hz();

 private:
  void transform();

  const int sample_rate_;
  const simd::PowerSpectra spectra_;
  simd::AlignedFloats frames_;  ///< that wait until there are enough to transform at once
  std::size_t waiting_ = 0;
  simd::AlignedFloats columns_;  ///< the same, side by side
  simd::AlignedFloats powers_;
  std::vector<double> sums_;  ///< [bin][place of the frame]
};

}  // namespace timbre
