#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "features/centred_frames.h"
#include "features/front_ends.h"
#include "features/mel_filters.h"
#include "features/real_fft.h"
#include "simd/vectors.h"

namespace timbre {

namespace {

constexpr auto kDecibels = static_cast<float>(10 / std::numbers::ln10);

/// SpeechBrain's triangles: on HTK's mel scale, linear in Hz, both slopes as wide as the band to the left of the
/// centre (so the right slope does not end at the next centre).
MelFilters speechbrain_filters(const FrontEndConfig& config) {
  const auto hz = htk_mel_points(config.low_hz, config.high_hz, config.mel_bins + 2);
  return {config.mel_bins, config.fft_length, config.sample_rate, [&](int filter, double f) {
            const double band = hz[filter + 1] - hz[filter];
            const double slope = (f - hz[filter + 1]) / band;
            return std::max(0.0, std::min(1 + slope, 1 - slope));
          }};
}

/// speechbrain.lobes.features.Fbank, then its InputNormalization by the sentence's mean.
class SpeechBrainFrontEnd final : public FrontEnd {
 public:
  explicit SpeechBrainFrontEnd(const FrontEndConfig& config)
      : config_(config),
        framing_(config.frame_length, config.fft_length, config.frame_shift, Edge::zero),
        filters_(speechbrain_filters(config)) {}

  Result<Matrix> compute(std::span<const float> samples, const Interrupt& interrupt) const override {
    if (samples.empty()) return too_few_samples(0, samples_for(1), config_.sample_rate);
    RealFft fft(config_.fft_length);
    std::vector<float> frame(config_.fft_length);
    std::vector<float> power(config_.fft_length / 2 + 1);
    Matrix features(frames(samples.size()), config_.mel_bins);
    const auto scale = static_cast<float>(config_.sample_scale);
    const auto floor = static_cast<float>(config_.log_floor);
    float loudest = -std::numeric_limits<float>::infinity();
    for (std::size_t t = 0; t < features.rows; ++t) {
      if (auto stop = stopped_at(t, interrupt)) return *std::move(stop);
      framing_.extract(samples, t, frame);
      if (scale != 1) {
        for (float& x : frame) x *= scale;
      }
      fft.power(frame, power);
      const auto row = features.row(t);
      filters_.apply(power, row);
      simd::floored_log(row, floor, kDecibels);
      for (const float value : row) loudest = std::max(loudest, value);
    }
    // The floor hangs on the whole utterance's maximum, so it waits for the last frame.
    if (config_.top_db > 0) {
      const float lowest = loudest - static_cast<float>(config_.top_db);
      for (float& value : features.values) value = std::max(value, lowest);
    }
    if (config_.subtract_mean) subtract_column_means(features);
    return features;
  }

  std::size_t frames(std::size_t samples) const override { return samples == 0 ? 0 : framing_.count(samples); }
  std::size_t samples_for(std::size_t frames) const override { return framing_.samples_for(frames); }

 private:
  FrontEndConfig config_;
  CentredFrames framing_;
  MelFilters filters_;
};

}  // namespace

std::unique_ptr<const FrontEnd> make_speechbrain_front_end(const FrontEndConfig& config) {
  return std::make_unique<SpeechBrainFrontEnd>(config);
}

}  // namespace timbre
