#include "engine/stages.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "audio/decode.h"
#include "support/text.h"

namespace timbre {

namespace {

/// Below one step of 16-bit audio there is no signal, only zeros and what a resampler leaves of them.
constexpr float kSilence = 1.0F / 32768;

bool silent(const std::vector<float>& samples) {
  return std::all_of(samples.begin(), samples.end(), [](float x) { return std::abs(x) < kSilence; });
}

/// Keeps `seconds` from the middle.
void cut(std::vector<float>& samples, double seconds, int rate) {
  const double wanted = std::round(seconds * rate);
  if (wanted >= static_cast<double>(samples.size())) return;
  const auto kept = static_cast<std::ptrdiff_t>(wanted);
  const auto from = samples.begin() + (static_cast<std::ptrdiff_t>(samples.size()) - kept) / 2;
  std::copy(from, from + kept, samples.begin());
  samples.resize(static_cast<std::size_t>(kept));
}

}  // namespace

Result<Matrix> prepare(Job& job, const FrontEnd& front_end, const SpeechDetector& detector,
                       const bundle::Manifest& manifest, const AudioLimits& limits) {
  const int rate = manifest.front_end.sample_rate;
  AudioTimings decoding;
  const AudioSource source = std::move(job.request.source);
  auto audio = decode(source, rate, limits, job.interrupt, &decoding);
  job.timings.decode = decoding.decode;
  job.timings.resample = decoding.resample;
  if (!audio) return std::move(audio).error();
  job.audio = audio.value().info;
  if (job.request.cut_seconds > 0) cut(audio.value().samples, job.request.cut_seconds, rate);
  const std::vector<float>& samples = audio.value().samples;

  const double seconds = static_cast<double>(samples.size()) / rate;
  if (const std::size_t needed = front_end.samples_for(manifest.shortest_frames); samples.size() < needed) {
    return Error{ErrorCode::AUDIO_TOO_SHORT, "the recording has " + seconds_text(seconds) + " of audio; the model '" +
                                                 manifest.id + "' needs at least " +
                                                 seconds_text(static_cast<double>(needed) / rate)};
  }
  if (manifest.longest_seconds > 0 && seconds > manifest.longest_seconds) {
    return Error{ErrorCode::AUDIO_TOO_LONG, "the recording has " + seconds_text(seconds) + " of audio; the model '" +
                                                manifest.id + "' takes at most " +
                                                seconds_text(manifest.longest_seconds) + "; cut it"};
  }
  if (!job.request.allow_silence && silent(samples)) {
    return Error{ErrorCode::NO_SPEECH, "the recording is silent (" + seconds_text(seconds) +
                                           "); check the microphone, or allow silence to embed it all the same"};
  }
  if (auto stop = job.interrupt.check()) return *stop;

  const auto listening = Clock::now();
  auto speech = measure_speech(samples, rate, detector);
  job.timings.speech = seconds_since(listening);
  if (!speech) return std::move(speech).error();
  job.speech = speech.value();
  if (auto stop = job.interrupt.check()) return *stop;

  const auto started = Clock::now();
  auto features = front_end.compute(samples);
  job.timings.features = seconds_since(started);
  return features;
}

Result<bundle::Embedding> checked(bundle::Embedding embedding) {
  if (!std::all_of(embedding.begin(), embedding.end(), [](float x) { return std::isfinite(x); })) {
    return Error{ErrorCode::INFERENCE_FAILED,
                 "the model gave an embedding that is not finite; check the bundle with `timbre models verify`"};
  }
  return embedding;
}

}  // namespace timbre
