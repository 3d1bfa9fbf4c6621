#include "engine/stages.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

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

/// Of a join, seconds, as where pauses are taken out.
constexpr double kFade = 0.005;

/// Keeps these parts alone. Errors: INVALID_ARGUMENT for one that begins behind the end.
std::optional<Error> keep_intervals(std::vector<float>& samples, const std::vector<AudioInterval>& intervals,
                                    int rate) {
  const auto sample_at = [&samples, rate](double seconds) {
    return static_cast<std::size_t>(std::min(std::round(seconds * rate), static_cast<double>(samples.size())));
  };
  std::vector<SampleSpan> parts;
  for (const auto& [start, end] : intervals) {
    const SampleSpan part{sample_at(start), sample_at(end)};
    if (part.begin >= part.end) {
      return Error{ErrorCode::INVALID_ARGUMENT, "an interval begins at " + seconds_text(start) +
                                                    ", and the recording has " +
                                                    seconds_text(static_cast<double>(samples.size()) / rate)};
    }
    parts.push_back(part);
  }
  keep_parts(samples, parts, static_cast<std::size_t>(std::llround(kFade * rate)));
  return std::nullopt;
}

/// Takes long pauses out of a recording as the bundle has it, unless they are to be kept.
void cut_pauses(std::vector<float>& samples, const Job& job, const bundle::Manifest& manifest, std::size_t fewest) {
  if (job.pauses == bundle::Pauses::keep || !manifest.pauses) return;
  const int rate = manifest.front_end.sample_rate;
  const auto parts = without_long_pauses(samples, rate, job.speech.spans, *manifest.pauses, fewest);
  keep_parts(samples, parts, static_cast<std::size_t>(std::llround(manifest.pauses->fade * rate)));
}

}  // namespace

Result<std::vector<float>> hear(Job& job, const Stages& stages, ContainedDecoder* decoder) {
  const bundle::Manifest& manifest = stages.model.manifest();
  const int rate = manifest.front_end.sample_rate;
  job.pauses = job.request.pauses.value_or(bundle::usual_pauses(manifest));
  if (job.pauses == bundle::Pauses::cut && !manifest.pauses) {
    return Error{ErrorCode::INVALID_ARGUMENT, "the model '" + manifest.id +
                                                  "' has no rule for pauses: leave out pauses: 'cut', or make the "
                                                  "bundle again with `timbre models add --pauses cut`"};
  }
  AudioTimings decoding;
  const EmbedRequest& request = job.request;
  auto audio = decoder ? decoder->decode(request.source, job.interrupt, decoding, request.selection)
                       : decode(request.source, rate, stages.limits, job.interrupt, &decoding, request.selection);
  job.request.source = AudioPath{};
  job.place.release_input();
  job.timings.decode = decoding.decode;
  job.timings.resample = decoding.resample;
  if (!audio) return std::move(audio).error();
  job.audio = std::move(audio.value().info);
  std::vector<float>& samples = audio.value().samples;
  if (!job.request.intervals.empty()) {
    if (auto wrong = keep_intervals(samples, job.request.intervals, rate)) return *wrong;
  }
  if (job.request.cut_seconds > 0) cut(samples, job.request.cut_seconds, rate);

  const double seconds = static_cast<double>(samples.size()) / rate;
  const std::size_t fewest = stages.front_end.samples_for(manifest.shortest_frames);
  if (samples.size() < fewest) {
    return Error{ErrorCode::AUDIO_TOO_SHORT, "the recording has " + seconds_text(seconds) + " of audio; the model '" +
                                                 manifest.id + "' needs at least " +
                                                 seconds_text(static_cast<double>(fewest) / rate)};
  }
  if (!job.request.allow_silence && silent(samples)) {
    return Error{ErrorCode::NO_SPEECH, "the recording is silent (" + seconds_text(seconds) +
                                           "); check the microphone, or allow silence to embed it all the same"};
  }
  if (auto stop = job.interrupt.check()) return *stop;
  return std::move(samples);
}

Status listen(Job& job, std::vector<float>& samples, const Stages& stages) {
  const bundle::Manifest& manifest = stages.model.manifest();
  const int rate = manifest.front_end.sample_rate;
  const auto started = Clock::now();
  auto speech = measure_speech(samples, rate, stages.detector, job.interrupt);
  if (!speech) return std::move(speech).error();
  job.speech = std::move(speech).value();
  cut_pauses(samples, job, manifest, stages.front_end.samples_for(manifest.shortest_frames));
  job.timings.speech = seconds_since(started);
  job.embedded_seconds = static_cast<double>(samples.size()) / rate;
  if (manifest.longest_seconds > 0 && job.embedded_seconds > manifest.longest_seconds) {
    return Error{ErrorCode::AUDIO_TOO_LONG, "the recording has " + seconds_text(job.embedded_seconds) +
                                                " of audio to embed; the model '" + manifest.id + "' takes at most " +
                                                seconds_text(manifest.longest_seconds) + "; cut it"};
  }
  return ok();
}

std::uint64_t working_bytes(const std::vector<float>& samples, const Stages& stages) {
  const auto bins = static_cast<std::size_t>(stages.model.manifest().front_end.mel_bins);
  const std::size_t frames = stages.front_end.frames(samples.size());
  return sizeof(float) * (samples.size() + frames * bins) + stages.model.activation_bytes(frames);
}

Result<Matrix> features_of(Job& job, const std::vector<float>& samples, const Stages& stages) {
  const auto started = Clock::now();
  auto features = stages.front_end.compute(samples, job.interrupt);
  job.timings.features = seconds_since(started);
  return features;
}

Result<bundle::Embedding> checked(Result<bundle::Embedding> embedding) {
  if (!embedding) return embedding;
  if (!std::ranges::all_of(embedding.value(), [](float x) { return std::isfinite(x); })) {
    return Error{ErrorCode::INFERENCE_FAILED,
                 "the model gave an embedding that is not finite; check the bundle with `timbre models verify`"};
  }
  return embedding;
}

EmbedResult result_of(Job& job, bundle::Embedding embedding) {
  job.timings.total = seconds_since(job.admitted);
  return {std::move(embedding), std::move(job.audio), std::move(job.speech),
          job.embedded_seconds, job.pauses,           job.timings};
}

}  // namespace timbre
