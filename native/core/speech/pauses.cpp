#include "speech/pauses.h"

#include <algorithm>
#include <cmath>

namespace timbre {

PauseRule default_pauses() {
  return {.detector = kSpeechDetector, .longest = 0.6, .margin = 0.4, .silence = 1.0 / 32768, .fade = 0.005};
}

namespace {

/// Seconds without a sample of sound that are silence.
constexpr double kStep = 0.01;

std::size_t samples_of(double seconds, int sample_rate) {
  return static_cast<std::size_t>(std::llround(seconds * sample_rate));
}

/// What lies beside speech, as far as something was recorded there.
class Surroundings {
 public:
  Surroundings(std::span<const float> samples, int sample_rate, double silence)
      : samples_(samples),
        step_(std::max<std::size_t>(samples_of(kStep, sample_rate), 1)),
        silence_(static_cast<float>(silence)) {}

  /// Where what is kept before `from` begins, at most `most` samples before it.
  std::size_t before(std::size_t from, std::size_t most) const {
    const std::size_t first = from - std::min(from, most);
    for (std::size_t at = from; at >= first + step_; at -= step_) {
      if (silent(at - step_)) return at;
    }
    return first;
  }

  /// Where what is kept behind `from` ends, at most `most` samples behind it.
  std::size_t behind(std::size_t from, std::size_t most) const {
    const std::size_t last = from + std::min(samples_.size() - from, most);
    for (std::size_t at = from; at + step_ <= last; at += step_) {
      if (silent(at)) return at;
    }
    return last;
  }

 private:
  bool silent(std::size_t at) const {
    const auto part = samples_.subspan(at, step_);
    return std::all_of(part.begin(), part.end(), [this](float x) { return std::abs(x) < silence_; });
  }

  const std::span<const float> samples_;
  const std::size_t step_;
  const float silence_;
};

/// Widens the outer ends until there are `fewest` samples.
void widen(std::vector<SampleSpan>& parts, std::size_t all, std::size_t fewest) {
  std::size_t have = 0;
  for (const SampleSpan& part : parts) have += part.end - part.begin;
  if (have >= fewest) return;
  const std::size_t missing = fewest - have;
  std::size_t& begin = parts.front().begin;
  std::size_t& end = parts.back().end;
  const std::size_t behind = std::min(all - end, missing - std::min(begin, missing / 2));
  end += behind;
  begin -= std::min(begin, missing - behind);
  // With both ends reached, only what was cut out between them is left.
  if (begin == 0 && end == all && have + behind < fewest && parts.size() > 1) parts = {{0, all}};
}

}  // namespace

std::vector<SampleSpan> without_long_pauses(std::span<const float> samples, int sample_rate,
                                            std::span<const SampleSpan> speech, const PauseRule& rule,
                                            std::size_t fewest) {
  if (speech.empty()) return {{0, samples.size()}};
  const Surroundings surroundings(samples, sample_rate, rule.silence);
  const std::size_t margin = samples_of(rule.margin, sample_rate);
  const std::size_t longest = samples_of(rule.longest, sample_rate);
  std::vector<SampleSpan> parts;
  std::size_t begin = surroundings.before(speech.front().begin, margin);
  for (std::size_t i = 0; i + 1 < speech.size(); ++i) {
    const std::size_t pause = speech[i + 1].begin - speech[i].end;
    if (pause <= longest) continue;
    parts.push_back({begin, surroundings.behind(speech[i].end, longest / 2)});
    begin = surroundings.before(speech[i + 1].begin, longest / 2);
  }
  parts.push_back({begin, surroundings.behind(speech.back().end, margin)});
  widen(parts, samples.size(), fewest);
  return parts;
}

void keep_parts(std::vector<float>& samples, std::span<const SampleSpan> parts, std::size_t fade) {
  std::size_t kept = 0;
  for (const SampleSpan& part : parts) {
    const std::size_t length = part.end - part.begin;
    // Nothing fades in before the first part; what is read lies never before what is written.
    const std::size_t joined = std::min({fade, kept, length});
    for (std::size_t i = 0; i < joined; ++i) {
      const auto share = (static_cast<float>(i) + 0.5F) / static_cast<float>(joined);
      float& sample = samples[kept - joined + i];
      sample = sample * std::sqrt(1 - share) + samples[part.begin + i] * std::sqrt(share);
    }
    const auto from = samples.begin() + static_cast<std::ptrdiff_t>(part.begin + joined);
    std::copy(from, from + static_cast<std::ptrdiff_t>(length - joined),
              samples.begin() + static_cast<std::ptrdiff_t>(kept));
    kept += length - joined;
  }
  samples.resize(kept);
}

}  // namespace timbre
