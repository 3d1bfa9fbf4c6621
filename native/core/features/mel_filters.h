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

  /// `weight(filter, bin)` for `count` filters over so many bins.
  static MelFilters by_bin(int count, int bins, const std::function<double(int, int)>& weight);

  /// power[points / 2 + 1] -> energies[count]
  void apply(std::span<const float> power, std::span<float> energies) const;

  /// The same of simd::kSignalColumns spectra at once: power[bin][column] -> energies[filter][column].
  void apply_to_columns(const float* power, float* energies) const;

  std::size_t count() const { return filters_.size(); }

 private:
  MelFilters() = default;

  struct Filter {
    std::size_t first_bin = 0;
    std::vector<float> weights;
  };
  std::vector<Filter> filters_;
};

/// `count` frequencies in Hz, equally far apart on HTK's mel scale, 2595 log10(1 + f / 700), ends included.
std::vector<double> htk_mel_points(double low_hz, double high_hz, int count);

}  // namespace timbre
