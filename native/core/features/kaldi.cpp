#include <kaldi-native-fbank/csrc/feature-window.h>
#include <kaldi-native-fbank/csrc/mel-computations.h>

#include <algorithm>
#include <cmath>

#include "features/front_ends.h"
#include "features/real_fft.h"
#include "simd/vectors.h"

namespace timbre {

namespace {

knf::FrameExtractionOptions frame_options(const FrontEndConfig& config) {
  knf::FrameExtractionOptions options;
  options.samp_freq = static_cast<float>(config.sample_rate);
  options.frame_shift_ms = 1000.0F * static_cast<float>(config.frame_shift) / static_cast<float>(config.sample_rate);
  options.frame_length_ms = 1000.0F * static_cast<float>(config.frame_length) / static_cast<float>(config.sample_rate);
  options.dither = 0;
  options.preemph_coeff = static_cast<float>(config.preemphasis);
  options.remove_dc_offset = config.remove_dc;
  options.window_type = config.window;
  options.snip_edges = true;
  return options;
}

knf::MelBanksOptions mel_options(const FrontEndConfig& config) {
  knf::MelBanksOptions options;
  options.num_bins = config.mel_bins;
  options.low_freq = static_cast<float>(config.low_hz);
  options.high_freq = static_cast<float>(config.high_hz);
  return options;
}

/// Kaldi's log-mel filter banks as WeSpeaker and 3D-Speaker train on: frames that fit wholly, no dither.
///
/// kaldi-native-fbank does everything but the transform, whose plan it would make anew for every frame.
class KaldiFrontEnd final : public FrontEnd {
 public:
  explicit KaldiFrontEnd(const FrontEndConfig& config)
      : config_(config),
        options_(frame_options(config)),
        window_(options_),
        banks_(mel_options(config), options_, 1.0F) {}

  Result<Matrix> compute(std::span<const float> samples, const Interrupt& interrupt) const override {
    if (samples.size() < samples_for(1)) {
      return too_few_samples(samples.size(), samples_for(1), config_.sample_rate);
    }
    RealFft fft(config_.fft_length);
    std::vector<float> frame(config_.fft_length);
    std::vector<float> power(config_.fft_length / 2 + 1);
    Matrix features(frames(samples.size()), config_.mel_bins);
    const auto scale = static_cast<float>(config_.sample_scale);
    const auto floor = static_cast<float>(config_.log_floor);
    for (std::size_t t = 0; t < features.rows; ++t) {
      if (auto stop = stopped_at(t, interrupt)) return *std::move(stop);
      const auto taken = samples.subspan(t * config_.frame_shift, config_.frame_length);
      std::transform(taken.begin(), taken.end(), frame.begin(), [scale](float x) { return scale * x; });
      std::fill(frame.begin() + config_.frame_length, frame.end(), 0.0F);
      knf::ProcessWindow(options_, window_, frame.data());
      fft.power(frame, power);
      const auto row = features.row(t);
      banks_.Compute(power.data(), row.data());
      simd::floored_log(row, floor, 1);
    }
    if (config_.subtract_mean) subtract_column_means(features);
    return features;
  }

  std::size_t frames(std::size_t samples) const override {
    const auto length = static_cast<std::size_t>(config_.frame_length);
    return samples < length ? 0 : 1 + (samples - length) / config_.frame_shift;
  }
  std::size_t samples_for(std::size_t frames) const override {
    return config_.frame_length + (std::max<std::size_t>(frames, 1) - 1) * config_.frame_shift;
  }

 private:
  FrontEndConfig config_;
  knf::FrameExtractionOptions options_;
  knf::FeatureWindowFunction window_;
  knf::MelBanks banks_;
};

}  // namespace

std::unique_ptr<const FrontEnd> make_kaldi_front_end(const FrontEndConfig& config) {
  return std::make_unique<KaldiFrontEnd>(config);
}

}  // namespace timbre
