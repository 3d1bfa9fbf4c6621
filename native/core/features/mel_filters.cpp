#include "features/mel_filters.h"

#include <cmath>

#include "simd/signal_columns.h"

namespace timbre {

MelFilters::MelFilters(int count, int points, int sample_rate, const std::function<double(int, double)>& weight)
    : MelFilters(by_bin(count, points / 2 + 1, [&](int filter, int bin) {
        return weight(filter, static_cast<double>(bin) * sample_rate / points);
      })) {}

MelFilters MelFilters::by_bin(int count, int bins, const std::function<double(int, int)>& weight) {
  MelFilters filters;
  filters.filters_.resize(count);
  for (int filter = 0; filter < count; ++filter) {
    Filter& kept = filters.filters_[filter];
    for (int bin = 0; bin < bins; ++bin) {
      const double value = weight(filter, bin);
      if (value <= 0) continue;
      if (kept.weights.empty()) kept.first_bin = bin;
      kept.weights.resize(bin - kept.first_bin + 1, 0.0F);
      kept.weights.back() = static_cast<float>(value);
    }
  }
  return filters;
}

void MelFilters::apply_to_columns(const float* power, float* energies) const {
  for (const Filter& filter : filters_) {
    simd::add_rows(filter.weights, power + filter.first_bin * simd::kSignalColumns, energies);
    energies += simd::kSignalColumns;
  }
}

void MelFilters::apply(std::span<const float> power, std::span<float> energies) const {
  for (std::size_t filter = 0; filter < filters_.size(); ++filter) {
    const Filter& kept = filters_[filter];
    const float* bins = power.data() + kept.first_bin;
    float sum = 0;
    for (std::size_t i = 0; i < kept.weights.size(); ++i) sum += kept.weights[i] * bins[i];
    energies[filter] = sum;
  }
}

std::vector<double> htk_mel_points(double low_hz, double high_hz, int count) {
  const auto mel = [](double hz) { return 2595 * std::log10(1 + hz / 700); };
  const double low = mel(low_hz);
  const double step = (mel(high_hz) - low) / (count - 1);
  std::vector<double> points(count);
  for (int i = 0; i < count; ++i) points[i] = 700 * (std::pow(10, (low + i * step) / 2595) - 1);
  return points;
}

}  // namespace timbre
