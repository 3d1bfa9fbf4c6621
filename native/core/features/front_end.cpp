#include "features/front_end.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>

#include "features/front_ends.h"
#include "support/text.h"

namespace timbre {

namespace {

struct Interval {
  const char* parameter;
  double value;
  double low;
  double high;
};

Error refused(const std::string& parameter, const std::string& value, const std::string& allowed) {
  return {ErrorCode::MODEL_INVALID, "the front end's " + parameter + " is " + value + "; allowed is " + allowed};
}

std::optional<Error> out_of_range(std::initializer_list<Interval> ranges) {
  for (const Interval& range : ranges) {
    if (!(range.value >= range.low && range.value <= range.high)) {
      return refused(range.parameter, text(range.value), text(range.low) + " to " + text(range.high));
    }
  }
  return std::nullopt;
}

std::optional<Error> invalid(const FrontEndConfig& c) {
  const double nyquist = c.sample_rate / 2.0;
  if (auto error =
          out_of_range({{"sampleRate", static_cast<double>(c.sample_rate), 4000, 384000},
                        {"frameLength", static_cast<double>(c.frame_length), 2, 65536},
                        {"frameShift", static_cast<double>(c.frame_shift), 1, 65536},
                        {"fftLength", static_cast<double>(c.fft_length), static_cast<double>(c.frame_length), 65536},
                        {"melBins", static_cast<double>(c.mel_bins), 4, 1024},
                        {"lowHz", c.low_hz, 0, nyquist},
                        {"highHz", c.high_hz, c.low_hz + 1, nyquist},
                        {"sampleScale", c.sample_scale, 1e-6, 1e6},
                        {"preemphasis", c.preemphasis, 0, 1},
                        {"logFloor", c.log_floor, 1e-30, 1},
                        {"topDb", c.top_db, 0, 1000}})) {
    return error;
  }
  if (c.fft_length % 2 != 0) return refused("fftLength", std::to_string(c.fft_length), "an even number");
  return std::nullopt;
}

/// Parameters a front end has no use for must be off, and its window one that it knows.
std::optional<Error> unfit(const FrontEndConfig& c) {
  if (c.type == "speechbrain") {
    if (c.window != "hamming_periodic") return refused("window", '"' + c.window + '"', "\"hamming_periodic\"");
    if (c.fft_length != c.frame_length) return refused("fftLength", std::to_string(c.fft_length), "frameLength");
    if (c.preemphasis != 0) return refused("preemphasis", text(c.preemphasis), "0");
    if (c.remove_dc) return refused("removeDc", "true", "false");
    return std::nullopt;
  }
  if (c.top_db != 0) return refused("topDb", text(c.top_db), "0");
  if (c.type == "kaldi") {
    if (c.window != "hamming" && c.window != "povey") {
      return refused("window", '"' + c.window + '"', "\"hamming\" or \"povey\"");
    }
    const auto padded = static_cast<int>(std::bit_ceil(static_cast<unsigned>(c.frame_length)));
    if (c.fft_length != padded) return refused("fftLength", std::to_string(c.fft_length), std::to_string(padded));
    return std::nullopt;
  }
  if (c.window != "hamming_periodic") return refused("window", '"' + c.window + '"', "\"hamming_periodic\"");
  if (c.remove_dc) return refused("removeDc", "true", "false");
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<const FrontEnd>> FrontEnd::create(const FrontEndConfig& config) {
  constexpr std::array makers{std::pair{"speechbrain", &make_speechbrain_front_end},
                              std::pair{"kaldi", &make_kaldi_front_end},
                              std::pair{"taoruijie", &make_taoruijie_front_end}};
  const auto* maker = std::find_if(makers.begin(), makers.end(), [&](auto& m) { return config.type == m.first; });
  if (maker == makers.end()) {
    return refused("type", '"' + config.type + '"', "\"speechbrain\", \"kaldi\" or \"taoruijie\"");
  }
  if (auto error = invalid(config)) return *error;
  if (auto error = unfit(config)) return *error;
  try {
    return maker->second(config);
  } catch (const std::invalid_argument&) {
    // kaldi-native-fbank's, of a filter between two frequencies of the transform.
    return refused("melBins", std::to_string(config.mel_bins), "fewer, for every one to cover a frequency");
  }
}

std::optional<Error> stopped_at(std::size_t t, const Interrupt& interrupt) {
  constexpr std::size_t kFrames = 256;
  return t % kFrames == 0 ? interrupt.check() : std::nullopt;
}

void subtract_column_means(Matrix& features) {
  std::vector<double> sums(features.cols);
  for (std::size_t r = 0; r < features.rows; ++r) {
    const auto row = features.row(r);
    for (std::size_t c = 0; c < features.cols; ++c) sums[c] += row[c];
  }
  for (std::size_t r = 0; r < features.rows; ++r) {
    const auto row = features.row(r);
    for (std::size_t c = 0; c < features.cols; ++c) {
      row[c] = static_cast<float>(row[c] - sums[c] / static_cast<double>(features.rows));
    }
  }
}

Error too_few_samples(std::size_t samples, std::size_t needed, int sample_rate) {
  return {ErrorCode::AUDIO_TOO_SHORT, "the recording is " + seconds_text(static_cast<double>(samples) / sample_rate) +
                                          " (" + std::to_string(samples) + " samples at " +
                                          std::to_string(sample_rate) + " Hz); at least " +
                                          seconds_text(static_cast<double>(needed) / sample_rate) + " are needed"};
}

}  // namespace timbre
