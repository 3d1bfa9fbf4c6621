#include "audio/decode.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <optional>
#include <utility>

#include "audio/container.h"
#include "audio/ffmpeg_reader.h"
#include "audio/input.h"
#include "audio/limits.h"
#include "audio/mp3_reader.h"
#include "audio/reader.h"
#include "audio/resampler.h"
#include "audio/sndfile_reader.h"
#include "support/text.h"

namespace timbre {

namespace {

/// Frames decoded between two looks at the limits and the interrupt.
constexpr std::size_t kBlock = 16384;

/// Samples beyond this are no audio in [-1, 1], whatever was meant: integers that nobody scaled, or noise.
constexpr float kLargest = 128;

constexpr const char* kFormats =
    "WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF; with ffmpeg also WebM, M4A, AAC, AMR, WMA and more";

/// Frames that may be missing at the end: what a codec's delay and padding explain.
constexpr std::uint64_t kSlack = 4608;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// 16-bit audio has its last step here, 8-bit audio a little below.
constexpr float kFullScale = 0.992F;

/// What is wrong with samples, if anything is. Adds those at full scale to `clipped`.
std::optional<std::string> fault(std::span<const float> samples, std::uint64_t& clipped) {
  float largest = 0;
  for (const float x : samples) {
    if (!std::isfinite(x)) return "holds samples that are not finite (NaN or infinite)";
    const float size = std::abs(x);
    largest = std::max(largest, size);
    clipped += size >= kFullScale ? 1 : 0;
  }
  if (largest <= kLargest) return std::nullopt;
  return "holds samples up to " + text(largest) + "; floating-point audio lies in [-1, 1] (divide 16-bit by 32768)";
}

std::optional<Error> refused(const std::string& name, const StreamInfo& info, const AudioLimits& limits) {
  if (info.channels < 1 || info.channels > limits.max_channels) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED, name + " has " + std::to_string(info.channels) +
                                                   " channels; allowed are 1 to " +
                                                   std::to_string(limits.max_channels) + "; mix it down"};
  }
  if (info.sample_rate < limits.min_sample_rate || info.sample_rate > limits.max_sample_rate) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED, name + " has a sample rate of " + std::to_string(info.sample_rate) +
                                                   " Hz; allowed are " + std::to_string(limits.min_sample_rate) +
                                                   " to " + std::to_string(limits.max_sample_rate) +
                                                   " Hz; resample it"};
  }
  const double seconds = static_cast<double>(info.frames) / info.sample_rate;
  if (seconds > limits.max_seconds) return too_long(name, seconds, limits);
  return std::nullopt;
}

/// The mean over channels, in place at the front of `samples`.
std::span<const float> mix_down(std::span<float> samples, std::size_t channels) {
  if (channels == 1) return samples;
  const std::size_t frames = samples.size() / channels;
  for (std::size_t i = 0; i < frames; ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < channels; ++c) sum += samples[i * channels + c];
    samples[i] = static_cast<float>(sum / static_cast<double>(channels));
  }
  return samples.first(frames);
}

Result<Audio> drain(Reader& reader, const std::string& name, int sample_rate, const AudioLimits& limits,
                    const Interrupt& interrupt, AudioTimings& timings) {
  const StreamInfo& info = reader.info();
  if (auto error = refused(name, info, limits)) return *error;
  auto resampler = Resampler::create(info.sample_rate, sample_rate);
  if (!resampler) return std::move(resampler).error();

  const auto channels = static_cast<std::size_t>(info.channels);
  const auto most = static_cast<std::uint64_t>(limits.max_seconds * info.sample_rate);
  std::vector<float> block(kBlock * channels);
  std::uint64_t frames = 0;
  std::uint64_t clipped = 0;
  Audio audio;
  for (;;) {
    if (auto stop = interrupt.check()) return *stop;
    const auto decoding = Clock::now();
    auto read = reader.read(block);
    if (!read) return std::move(read).error();
    const std::span<float> samples = std::span(block).first(read.value() * channels);
    if (auto wrong = fault(samples, clipped)) return Error{ErrorCode::AUDIO_CORRUPT, name + " " + *wrong};
    const std::span<const float> mono = mix_down(samples, channels);
    timings.decode += since(decoding);
    frames += mono.size();
    if (frames > most) return too_long(name, 0, limits);

    const auto resampling = Clock::now();
    const Status made =
        mono.empty() ? resampler.value().finish(audio.samples) : resampler.value().push(mono, audio.samples);
    if (!made) return made.error();
    timings.resample += since(resampling);
    if (mono.empty()) break;
  }
  if (frames + kSlack < info.frames) {
    return Error{ErrorCode::AUDIO_CORRUPT, name + " is truncated: it declares " +
                                               seconds_text(static_cast<double>(info.frames) / info.sample_rate) +
                                               " of audio and ends after " +
                                               seconds_text(static_cast<double>(frames) / info.sample_rate)};
  }
  if (frames == 0) return Error{ErrorCode::AUDIO_CORRUPT, name + " holds no audio (0 samples)"};
  audio.info = {static_cast<double>(frames) / info.sample_rate, info.sample_rate, info.channels,
                static_cast<double>(clipped) / static_cast<double>(frames * channels), info.format};
  return audio;
}

Result<std::unique_ptr<Reader>> open(const Input& input, const AudioLimits& limits, const Interrupt& interrupt) {
  const Container container = container_of(input);
  if (auto fault = truncation(input, container)) return Error{ErrorCode::AUDIO_CORRUPT, input.name() + " " + *fault};
  if (container.decoder == Decoder::kFfmpeg) return open_ffmpeg(input, container, limits, interrupt);
  if (container.decoder == Decoder::kMpg123) return open_mp3(input, container);
  auto reader = open_sndfile(input);
  if (!reader && reader.error().code == ErrorCode::AUDIO_UNSUPPORTED) {
    if (!container.demuxer.empty()) return open_ffmpeg(input, container, limits, interrupt);
    if (!container.name.empty()) {
      return Error{ErrorCode::AUDIO_CORRUPT, input.name() + " begins like " + container.name + " but is damaged"};
    }
    return Error{ErrorCode::AUDIO_UNSUPPORTED, input.name() + " is no recording in a format known here (" + kFormats +
                                                   "); convert it to one of them"};
  }
  return reader;
}

Result<Audio> decode_input(Result<Input> input, int sample_rate, const AudioLimits& limits, const Interrupt& interrupt,
                           AudioTimings& timings) {
  if (!input) return std::move(input).error();
  const auto opening = Clock::now();
  auto reader = open(input.value(), limits, interrupt);
  timings.decode += since(opening);
  if (!reader) return std::move(reader).error();
  return drain(*reader.value(), input.value().name(), sample_rate, limits, interrupt, timings);
}

Result<Audio> resample(const AudioSamples& source, int sample_rate, const AudioLimits& limits,
                       const Interrupt& interrupt, AudioTimings& timings) {
  const std::string name = "the recording";
  const StreamInfo info{source.sample_rate, 1, source.samples.size(), "samples"};
  if (auto error = refused(name, info, limits)) {
    if (error->code == ErrorCode::AUDIO_UNSUPPORTED) error->code = ErrorCode::INVALID_ARGUMENT;
    return *error;
  }
  std::uint64_t clipped = 0;
  for (std::span<const float> rest = source.samples; !rest.empty();) {
    if (auto stop = interrupt.check()) return *std::move(stop);
    const auto block = rest.first(std::min(rest.size(), kBlock));
    if (auto wrong = fault(block, clipped)) return Error{ErrorCode::INVALID_ARGUMENT, name + " " + *wrong};
    rest = rest.subspan(block.size());
  }
  const auto resampling = Clock::now();
  auto resampled = resample(source.samples, source.sample_rate, sample_rate, interrupt);
  timings.resample += since(resampling);
  if (!resampled) return std::move(resampled).error();
  Audio audio;
  audio.samples = std::move(resampled).value();
  const auto count = static_cast<double>(source.samples.size());
  audio.info = {count / source.sample_rate, source.sample_rate, 1, count > 0 ? static_cast<double>(clipped) / count : 0,
                info.format};
  return audio;
}

}  // namespace

Result<Audio> decode(const AudioSource& source, int sample_rate, const AudioLimits& limits, const Interrupt& interrupt,
                     AudioTimings* timings) {
  AudioTimings unread;
  AudioTimings& timing = timings ? *timings : unread;
  try {
    if (const auto* path = std::get_if<AudioPath>(&source)) {
      return decode_input(Input::open(*path, limits), sample_rate, limits, interrupt, timing);
    }
    if (const auto* file = std::get_if<AudioFile>(&source)) {
      return decode_input(Input::of(*file, limits), sample_rate, limits, interrupt, timing);
    }
    if (const auto* bytes = std::get_if<AudioBytes>(&source)) {
      return decode_input(Input::of(*bytes, limits), sample_rate, limits, interrupt, timing);
    }
    return resample(std::get<AudioSamples>(source), sample_rate, limits, interrupt, timing);
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::OUT_OF_MEMORY, "memory ran out while decoding; use fewer workers or shorter recordings"};
  }
}

AudioLibraries audio_libraries() { return {sndfile_library(), soxr_library(), ffmpeg_program()}; }

}  // namespace timbre
