#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace timbre {

/// Filters over power spectra; each remembers only the bins it touches.
class MelFilters {
 public:
  /// `weight(filter, hz)` for `count` filters, sampled at the bins of a transform of `points` at `sample_rate`.
  MelFilters(int count, int points, int sample_rate, const std::function<double(int, double)>& weight);

  /// power[points / 2 + 1] -> energies[count]
  void apply(std::span<const float> power, std::span<float> energies) const;

 private:
  struct Filter {
    std::size_t first_bin = 0;
    std::vector<float> weights;
  };
  std::vector<Filter> filters_;
};

/// `count` frequencies in Hz, equally far apart on HTK's mel scale, 2595 log10(1 + f / 700), ends included.
std::vector<double> htk_mel_points(double low_hz, double high_hz, int count);

}  // namespace timbre
