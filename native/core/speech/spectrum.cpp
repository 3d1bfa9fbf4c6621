#include "speech/spectrum.h"

#include <algorithm>
#include <numeric>

#include "simd/signal_columns.h"

namespace timbre {

namespace {

constexpr std::size_t kPoints = 512;
constexpr std::size_t kBins = kPoints / 2 + 1;
constexpr std::size_t kAtOnce = simd::kSignalColumns;
constexpr std::size_t kBand = 8;  // bins
constexpr double kRange = 1e-6;   // -60 dB
constexpr double kFloor = 1e-12;

}  // namespace

Spectrum::Spectrum(int sample_rate)
    : sample_rate_(sample_rate),
      spectra_(simd::hann_window(kPoints)),
      frames_(kAtOnce * kPoints),
      columns_(kPoints * kAtOnce),
      powers_(kBins * kAtOnce),
      sums_(kBins * kAtOnce) {}

void Spectrum::add(std::span<const float> frame) {
  if (frame.size() != kPoints) return;
  std::copy(frame.begin(), frame.end(), frames_.begin() + static_cast<long>(waiting_ * kPoints));
  if (++waiting_ == kAtOnce) transform();
}

void Spectrum::transform() {
  simd::lay_in_columns(frames_.data(), kPoints, waiting_, 1, kPoints, columns_.data());
  spectra_.compute(columns_.data(), kAtOnce, kAtOnce, powers_.data());
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += powers_[i];
  waiting_ = 0;
}

double Spectrum::bandwidth_hz() {
  transform();
  std::vector<double> bands;
  for (std::size_t from = 1; from + kBand <= kBins; from += kBand) {  // without the constant part
    const auto first = sums_.begin() + static_cast<long>(from * kAtOnce);
    bands.push_back(std::accumulate(first, first + kBand * kAtOnce, 0.0));
  }
  const double needed = std::max(kRange * *std::max_element(bands.begin(), bands.end()), kFloor);
  std::size_t highest = bands.size();
  while (highest > 0 && bands[highest - 1] < needed) --highest;
  return static_cast<double>(highest * kBand) * sample_rate_ / static_cast<double>(kPoints);
}

}  // namespace timbre
