#include <kaldi-native-fbank/csrc/feature-window.h>
#include <kaldi-native-fbank/csrc/mel-computations.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "features/front_ends.h"
#include "features/mel_filters.h"
#include "features/real_fft.h"
#include "simd/aligned.h"
#include "simd/power_spectra.h"
#include "simd/signal_columns.h"
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

constexpr std::size_t kColumns = simd::kSignalColumns;

/// The filters' weights, which they keep to themselves: what each makes of one bin alone.
MelFilters weights_of(const knf::MelBanks& banks, const FrontEndConfig& config) {
  const int bins = config.fft_length / 2 + 1;
  Matrix weights(bins, config.mel_bins);
  for (int bin = 0; bin < bins; ++bin) {
    std::vector<float> power(bins);
    power[bin] = 1;
    banks.Compute(power.data(), weights.row(bin).data());
  }
  return MelFilters::by_bin(config.mel_bins, bins, [&](int filter, int bin) { return weights.row(bin)[filter]; });
}

/// kaldi-native-fbank's window, by what it makes of ones, as long as the transform.
std::vector<float> values_of(const knf::FeatureWindowFunction& window, const FrontEndConfig& config) {
  std::vector<float> values(config.fft_length);
  std::fill_n(values.begin(), config.frame_length, 1.0F);
  window.Apply(values.data());
  return values;
}

/// The same as kaldi-native-fbank, for sixteen frames at a time.
class FramesInColumns {
 public:
  FramesInColumns(const FrontEndConfig& config, const knf::FeatureWindowFunction& window, const knf::MelBanks& banks)
      : config_(config), spectra_(values_of(window, config)), filters_(weights_of(banks, config)) {}

  std::optional<Error> compute(std::span<const float> samples, const Interrupt& interrupt, Matrix& features) const {
    const auto length = static_cast<std::size_t>(config_.frame_length);
    const auto shift = static_cast<std::size_t>(config_.frame_shift);
    const auto scale = static_cast<float>(config_.sample_scale);
    const auto floor = static_cast<float>(config_.log_floor);
    simd::AlignedFloats columns(spectra_.points() * kColumns);
    simd::AlignedFloats power(spectra_.bins() * kColumns);
    simd::AlignedFloats energies(filters_.count() * kColumns);
    for (std::size_t first = 0; first < features.rows; first += kColumns) {
      if (auto stop = stopped_at(first, interrupt)) return stop;
      const std::size_t count = std::min(kColumns, features.rows - first);
      simd::lay_in_columns(samples.data() + first * shift, shift, count, scale, length, columns.data());
      if (config_.remove_dc) simd::centre_columns(columns.data(), length);
      if (config_.preemphasis != 0) {
        simd::emphasise_columns(columns.data(), length, static_cast<float>(config_.preemphasis));
      }
      spectra_.compute(columns.data(), kColumns, kColumns, power.data());
      filters_.apply_to_columns(power.data(), energies.data());
      simd::floored_log(energies, floor, 1);
      for (std::size_t frame = 0; frame < count; ++frame) {
        const auto row = features.row(first + frame);
        for (std::size_t filter = 0; filter < row.size(); ++filter) row[filter] = energies[filter * kColumns + frame];
      }
    }
    return std::nullopt;
  }

 private:
  FrontEndConfig config_;
  simd::PowerSpectra spectra_;
  MelFilters filters_;
};

/// Kaldi's log-mel filter banks as WeSpeaker and 3D-Speaker train on: frames that fit wholly, no dither.
///
/// kaldi-native-fbank has the window and the filters, and does everything but the transform, whose plan it would make
/// anew for every frame, to windows whose transform is a long one.
class KaldiFrontEnd final : public FrontEnd {
 public:
  explicit KaldiFrontEnd(const FrontEndConfig& config)
      : config_(config),
        options_(frame_options(config)),
        window_(options_),
        banks_(mel_options(config), options_, 1.0F) {
    if (simd::PowerSpectra::takes(static_cast<std::size_t>(config.fft_length)))
      by_columns_.emplace(config, window_, banks_);
  }

  Result<Matrix> compute(std::span<const float> samples, const Interrupt& interrupt) const override {
    if (samples.size() < samples_for(1)) {
      return too_few_samples(samples.size(), samples_for(1), config_.sample_rate);
    }
    Matrix features(frames(samples.size()), config_.mel_bins);
    auto stop =
        by_columns_ ? by_columns_->compute(samples, interrupt, features) : by_frames(samples, interrupt, features);
    if (stop) return *std::move(stop);
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
  std::optional<Error> by_frames(std::span<const float> samples, const Interrupt& interrupt, Matrix& features) const {
    RealFft fft(config_.fft_length);
    std::vector<float> frame(config_.fft_length);
    std::vector<float> power(config_.fft_length / 2 + 1);
    const auto scale = static_cast<float>(config_.sample_scale);
    const auto floor = static_cast<float>(config_.log_floor);
    for (std::size_t t = 0; t < features.rows; ++t) {
      if (auto stop = stopped_at(t, interrupt)) return stop;
      const auto taken = samples.subspan(t * config_.frame_shift, config_.frame_length);
      std::transform(taken.begin(), taken.end(), frame.begin(), [scale](float x) { return scale * x; });
      std::fill(frame.begin() + config_.frame_length, frame.end(), 0.0F);
      knf::ProcessWindow(options_, window_, frame.data());
      fft.power(frame, power);
      const auto row = features.row(t);
      banks_.Compute(power.data(), row.data());
      simd::floored_log(row, floor, 1);
    }
    return std::nullopt;
  }

  FrontEndConfig config_;
  knf::FrameExtractionOptions options_;
  knf::FeatureWindowFunction window_;
  knf::MelBanks banks_;
  std::optional<const FramesInColumns> by_columns_;  ///< of windows of usual lengths
};

}  // namespace

std::unique_ptr<const FrontEnd> make_kaldi_front_end(const FrontEndConfig& config) {
  return std::make_unique<KaldiFrontEnd>(config);
}

}  // namespace timbre
