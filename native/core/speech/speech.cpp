#include "speech/speech.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "audio/resampler.h"
#include "speech/spectrum.h"

namespace timbre {

namespace {

constexpr float kBegin = 0.5F;
constexpr float kEnd = 0.35F;
constexpr double kShortestPause = 0.1;
constexpr double kShortestSpeech = 0.1;
/// Quieter than this is silence to every format.
constexpr double kFloor = 1e-10;
/// Frames beside speech hold its beginnings and ends.
constexpr std::size_t kMargin = 2;
constexpr std::size_t kFewestPauseFrames = 5;
constexpr double kHighestSnr = 100;

double decibels(double power) { return 10 * std::log10(std::max(power, kFloor)); }

double power_of(std::span<const float> samples) {
  std::array<double, 8> sums{};  // side by side, or it is one long chain of additions
  const auto square = [&](std::size_t i) { return static_cast<double>(samples[i]) * samples[i]; };
  std::size_t i = 0;
  for (; i + sums.size() <= samples.size(); i += sums.size()) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += square(i + j);
  }
  for (; i < samples.size(); ++i) sums[0] += square(i);
  const double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

}  // namespace

std::vector<SpeechSpan> speech_spans(std::span<const float> probabilities, double frame_seconds) {
  std::vector<SpeechSpan> spans;
  bool speaking = false;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (!speaking && probabilities[i] >= kBegin) {
      const bool pause = spans.empty() || static_cast<double>(i - spans.back().end) * frame_seconds >= kShortestPause;
      if (pause) spans.push_back({i, i});
      speaking = true;
    } else if (speaking && probabilities[i] < kEnd) {
      speaking = false;
    }
    if (speaking) spans.back().end = i + 1;
  }
  std::erase_if(spans, [&](const SpeechSpan& span) {
    return static_cast<double>(span.end - span.begin) * frame_seconds < kShortestSpeech;
  });
  return spans;
}

Result<SpeechReport> measure_speech(std::span<const float> samples, int sample_rate, const SpeechDetector& detector,
                                    const Interrupt& interrupt) {
  std::vector<float> resampled;
  if (sample_rate != detector.sample_rate()) {
    auto made = resample(samples, sample_rate, detector.sample_rate(), interrupt);
    if (!made) return std::move(made).error();
    resampled = std::move(made).value();
  }
  const std::span<const float> heard = resampled.empty() ? samples : std::span<const float>(resampled);

  const std::size_t frame = detector.frame();
  const double frame_seconds = static_cast<double>(frame) / detector.sample_rate();
  const auto heard_speech = detector.probabilities(heard, interrupt);
  if (!heard_speech) return heard_speech.error();
  const std::vector<float>& probabilities = heard_speech.value();
  const auto spans = speech_spans(probabilities, frame_seconds);

  std::vector<char> speech(probabilities.size());
  std::vector<char> near(probabilities.size());
  SpeechReport report;
  // In samples of the recording, whatever the detector listened to.
  const auto place = [&](std::size_t index) {
    const double at = static_cast<double>(index * frame) * sample_rate / detector.sample_rate();
    return std::min(static_cast<std::size_t>(std::llround(at)), samples.size());
  };
  for (const SpeechSpan& span : spans) {
    std::fill(speech.begin() + static_cast<long>(span.begin), speech.begin() + static_cast<long>(span.end), 1);
    const std::size_t from = span.begin - std::min(span.begin, kMargin);
    const std::size_t to = std::min(span.end + kMargin, near.size());
    std::fill(near.begin() + static_cast<long>(from), near.begin() + static_cast<long>(to), 1);
    // The last frame may reach beyond the recording.
    report.seconds +=
        static_cast<double>(std::min(span.end * frame, heard.size()) - span.begin * frame) / detector.sample_rate();
    report.spans.push_back({place(span.begin), place(span.end)});
  }

  std::vector<double> spoken;
  std::vector<double> pauses;
  Spectrum spectrum(detector.sample_rate());
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (auto stop = interrupt.check()) return *std::move(stop);
    const auto part = heard.subspan(i * frame, std::min(frame, heard.size() - i * frame));
    if (spans.empty() || speech[i] != 0) {
      spoken.push_back(power_of(part));
      spectrum.add(part);
    } else if (near[i] == 0) {
      pauses.push_back(power_of(part));
    }
  }
  const double loud = mean(spoken);
  report.level_db = decibels(loud);
  report.bandwidth_hz = spectrum.bandwidth_hz();
  if (!spans.empty() && pauses.size() >= kFewestPauseFrames) {
    // The median, so that a door between two words is no noise floor.
    const auto middle = pauses.begin() + static_cast<long>(pauses.size() / 2);
    std::nth_element(pauses.begin(), middle, pauses.end());
    const double noise = std::max(*middle, kFloor);
    report.snr_db = std::clamp(decibels((loud - noise) / noise), -20.0, kHighestSnr);
  }
  return report;
}

}  // namespace timbre
