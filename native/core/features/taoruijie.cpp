#include <algorithm>
#include <cmath>
#include <limits>

#include "features/centred_frames.h"
#include "features/front_ends.h"
#include "features/mel_filters.h"
#include "features/real_fft.h"
#include "simd/vectors.h"

namespace timbre {

namespace {

/// torchaudio's triangles: on HTK's mel scale, linear in Hz, each from the centre before to the centre after.
MelFilters htk_filters(const FrontEndConfig& config) {
  const auto hz = htk_mel_points(config.low_hz, config.high_hz, config.mel_bins + 2);
  return {config.mel_bins, config.fft_length, config.sample_rate, [&](int filter, double f) {
            const double rising = (f - hz[filter]) / (hz[filter + 1] - hz[filter]);
            const double falling = (hz[filter + 2] - f) / (hz[filter + 2] - hz[filter + 1]);
            return std::max(0.0, std::min(rising, falling));
          }};
}

/// TaoRuijie's ECAPA-TDNN: pre-emphasis, torchaudio's MelSpectrogram, ln(x + floor), mean over the utterance removed.
class TaoRuijieFrontEnd final : public FrontEnd {
 public:
  explicit TaoRuijieFrontEnd(const FrontEndConfig& config)
      : config_(config),
        framing_(config.frame_length, config.fft_length, config.frame_shift, Edge::reflect),
        filters_(htk_filters(config)) {}

  Result<Matrix> compute(std::span<const float> samples, const Interrupt& interrupt) const override {
    if (samples.size() < samples_for(1)) {
      return too_few_samples(samples.size(), samples_for(1), config_.sample_rate);
    }
    const std::vector<float> emphasised = emphasise(samples);
    RealFft fft(config_.fft_length);
    std::vector<float> frame(config_.fft_length);
    std::vector<float> power(config_.fft_length / 2 + 1);
    Matrix features(frames(samples.size()), config_.mel_bins);
    const auto floor = static_cast<float>(config_.log_floor);
    for (std::size_t t = 0; t < features.rows; ++t) {
      if (auto stop = stopped_at(t, interrupt)) return *std::move(stop);
      framing_.extract(emphasised, t, frame);
      fft.power(frame, power);
      const auto row = features.row(t);
      filters_.apply(power, row);
      for (float& value : row) value += floor;
      simd::floored_log(row, std::numeric_limits<float>::min(), 1);
    }
    if (config_.subtract_mean) subtract_column_means(features);
    return features;
  }

  std::size_t frames(std::size_t samples) const override {
    return samples < samples_for(1) ? 0 : framing_.count(samples);
  }
  std::size_t samples_for(std::size_t frames) const override { return framing_.samples_for(frames); }

 private:
  /// x[n] - a x[n - 1], the sample before the first being the second, mirrored.
  std::vector<float> emphasise(std::span<const float> samples) const {
    const auto a = static_cast<float>(config_.preemphasis);
    const auto scale = static_cast<float>(config_.sample_scale);
    std::vector<float> out(samples.size());
    out[0] = scale * (samples[0] - a * samples[1]);
    for (std::size_t n = 1; n < samples.size(); ++n) out[n] = scale * (samples[n] - a * samples[n - 1]);
    return out;
  }

  FrontEndConfig config_;
  CentredFrames framing_;
  MelFilters filters_;
};

}  // namespace

std::unique_ptr<const FrontEnd> make_taoruijie_front_end(const FrontEndConfig& config) {
  return std::make_unique<TaoRuijieFrontEnd>(config);
}

}  // namespace timbre
