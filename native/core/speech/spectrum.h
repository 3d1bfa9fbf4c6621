#pragma once

#include <span>
#include <vector>

#include "features/real_fft.h"

namespace timbre {

/// Long-term spectrum of a recording. Used by one thread.
class Spectrum {
 public:
  explicit Spectrum(int sample_rate);

  /// Adds frames of 512 samples; shorter ones do not count.
  void add(std::span<const float> frame);

  /// Upper edge of the highest band of about 250 Hz that lies at most 60 dB below the strongest; 0 without signal.
  /// A telephone channel or a codec's low-pass leaves less than that above its edge, speech itself more.
  double bandwidth_hz() const;

 private:
  const int sample_rate_;
  RealFft fft_;
  std::vector<float> window_;
  std::vector<float> windowed_;
  std::vector<float> power_;
  std::vector<double> sum_;
};

}  // namespace timbre
