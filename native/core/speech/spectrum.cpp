#include "speech/spectrum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace timbre {

namespace {

constexpr int kPoints = 512;
constexpr std::size_t kBins = kPoints / 2 + 1;
constexpr std::size_t kBand = 8;  // bins
constexpr double kRange = 1e-6;   // -60 dB
constexpr double kFloor = 1e-12;

}  // namespace

Spectrum::Spectrum(int sample_rate)
    : sample_rate_(sample_rate), fft_(kPoints), window_(kPoints), windowed_(kPoints), power_(kBins), sum_(kBins) {
  for (int i = 0; i < kPoints; ++i) {
    window_[static_cast<std::size_t>(i)] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / kPoints));
  }
}

void Spectrum::add(std::span<const float> frame) {
  if (frame.size() != window_.size()) return;
  for (std::size_t i = 0; i < frame.size(); ++i) windowed_[i] = frame[i] * window_[i];
  fft_.power(windowed_, power_);
  for (std::size_t k = 0; k < kBins; ++k) sum_[k] += power_[k];
}

double Spectrum::bandwidth_hz() const {
  std::vector<double> bands;
  for (std::size_t from = 1; from + kBand <= kBins; from += kBand) {  // without the constant part
    double band = 0;
    for (std::size_t k = from; k < from + kBand; ++k) band += sum_[k];
    bands.push_back(band);
  }
  const double needed = std::max(kRange * *std::max_element(bands.begin(), bands.end()), kFloor);
  std::size_t highest = bands.size();
  while (highest > 0 && bands[highest - 1] < needed) --highest;
  return static_cast<double>(highest * kBand) * sample_rate_ / kPoints;
}

}  // namespace timbre
